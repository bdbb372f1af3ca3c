//! Tests access control.
//!
//! Forged tokens are sent to every service, and every operation of the OpenAPI document is called
//! without authorization.

mod token_forgery;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fintrac_proto::auth::v1 as auth;
use fintrac_proto::auth::v1::user_service_client::UserServiceClient;
use fintrac_proto::budget::v1 as budget;
use fintrac_proto::budget::v1::budget_service_client::BudgetServiceClient;
use fintrac_proto::ledger::v1 as ledger;
use fintrac_proto::ledger::v1::account_service_client::AccountServiceClient;
use fintrac_proto::notify::v1 as notify;
use fintrac_proto::notify::v1::notification_service_client::NotificationServiceClient;
use fintrac_tests::client::ApiResponse;
use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::{Value, json};
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use token_forgery::Forger;

use crate::support::{ACCOUNTS, NOTIFICATIONS, TestUser, administrator, channel, eventually, logged_in};

/// Direct gRPC channels to the services.
struct Services {
    auth: Channel,
    ledger: Channel,
    budget: Channel,
    notify: Channel,
}

impl Services {
    async fn new(system: &System) -> Self {
        Self {
            auth: channel(&system.auth_grpc).await,
            ledger: channel(&system.ledger_grpc).await,
            budget: channel(&system.budget_grpc).await,
            notify: channel(&system.notify_grpc).await,
        }
    }

    /// Makes one call to each service; `None` if the token cannot be sent in a header.
    async fn call_all(&self, token: &str) -> Option<[(&'static str, Result<(), Status>); 4]> {
        let value = MetadataValue::try_from(format!("Bearer {token}")).ok()?;
        macro_rules! with {
            ($message:expr) => {{
                let mut request = Request::new($message);
                request.metadata_mut().insert("authorization", value.clone());
                request
            }};
        }
        let auth = UserServiceClient::new(self.auth.clone())
            .get_current_user(with!(auth::GetCurrentUserRequest {}))
            .await;
        let accounts = with!(ledger::ListAccountsRequest::default());
        let ledger = AccountServiceClient::new(self.ledger.clone()).list_accounts(accounts).await;
        let budgets = with!(budget::ListBudgetsRequest::default());
        let budget = BudgetServiceClient::new(self.budget.clone()).list_budgets(budgets).await;
        let inbox = with!(notify::ListNotificationsRequest::default());
        let notify = NotificationServiceClient::new(self.notify.clone()).list_notifications(inbox).await;
        Some([
            ("auth", auth.map(|_| ())),
            ("ledger", ledger.map(|_| ())),
            ("budget", budget.map(|_| ())),
            ("notify", notify.map(|_| ())),
        ])
    }
}

pub async fn forged_tokens_are_rejected_by_every_service(system: &System) {
    let login = logged_in(system, "forged@example.com").await;
    let forger = Forger::new(system, &login.text("access_token")).await;
    let services = Services::new(system).await;
    let control = forger.sign(&forger.header(), &forger.claims);
    for token in [&forger.good, &control] {
        assert_eq!(system.client.get_as(token, "/api/v1/users/me").await.status, 200);
        for (service, response) in services.call_all(token).await.expect("the token can be sent") {
            response.unwrap_or_else(|status| panic!("{service} rejects a valid token: {status}"));
        }
    }
    system.client.register("pending@example.com").await;
    let verification = system.mailbox.wait("verification", "pending@example.com").await.token();
    let mut forged = forger.forgeries();
    forged.push(("a refresh token".into(), login.text("refresh_token")));
    forged.push(("a verification token".into(), verification));
    forged.push(("expired".into(), forger.expired()));
    assert!(forged.len() >= 40, "{}", forged.len());
    let mut sent = 0;
    for (name, token) in &forged {
        // The HTTP client itself rejects tokens that are invalid in a header.
        if reqwest::header::HeaderValue::from_str(&format!("Bearer {token}")).is_err() {
            continue;
        }
        let response = system.client.get_as(token, "/api/v1/users/me").await;
        // Oversized headers are rejected before any handler, at the gateway and in HTTP/2.
        let huge = token.len() > 16_000;
        assert!(
            response.status == 401 || huge && response.status == 431,
            "the gateway accepts {name}: {response:?}"
        );
        let Some(responses) = services.call_all(token).await else { continue };
        for (service, response) in responses {
            let status = response.expect_err(&format!("{service} rejects {name}"));
            assert!(status.code() == Code::Unauthenticated || huge, "{service}, {name}: {status}");
        }
        sent += 1;
    }
    assert!(sent >= 40, "{sent} tokens were sent");
}

/// The kind of entity that a path refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum PathTarget {
    Nothing,
    Account,
    Category,
    Transaction,
    Recurring,
    Budget,
    Goal,
    Notification,
    Session,
    Device,
    /// Entities of the whole system, which belong to no household.
    User,
    Role,
    Rule,
    Currency,
}

/// An operation: its request line, the entity in its path, and its body.
struct Row(&'static str, PathTarget, &'static str);

/// All operations that need a token; the test fails if one is missing.
const ROWS: &[Row] = &[
    Row("POST /api/v1/auth/logout", PathTarget::Nothing, ""),
    Row("POST /api/v1/auth/logout-all", PathTarget::Nothing, ""),
    Row("POST /api/v1/auth/reauthenticate", PathTarget::Nothing, "{}"),
    Row("POST /api/v1/auth/mfa/totp", PathTarget::Nothing, ""),
    Row("DELETE /api/v1/auth/mfa/totp", PathTarget::Nothing, "{}"),
    Row("POST /api/v1/auth/mfa/totp/confirm", PathTarget::Nothing, "{}"),
    Row("GET /api/v1/auth/sessions", PathTarget::Nothing, ""),
    Row("DELETE /api/v1/auth/sessions/{id}", PathTarget::Session, ""),
    Row("GET /api/v1/auth/devices", PathTarget::Nothing, ""),
    Row("PATCH /api/v1/auth/devices/{id}", PathTarget::Device, "{}"),
    Row("DELETE /api/v1/auth/devices/{id}", PathTarget::Device, ""),
    Row("GET /api/v1/users/me", PathTarget::Nothing, ""),
    Row("PUT /api/v1/users/me", PathTarget::Nothing, "{}"),
    Row("PATCH /api/v1/users/me", PathTarget::Nothing, "{}"),
    Row("DELETE /api/v1/users/me", PathTarget::Nothing, "{}"),
    Row("POST /api/v1/users/me/change-password", PathTarget::Nothing, "{}"),
    Row("GET /api/v1/users/me/preferences", PathTarget::Nothing, ""),
    Row("PUT /api/v1/users/me/preferences", PathTarget::Nothing, "{}"),
    Row("PATCH /api/v1/users/me/preferences", PathTarget::Nothing, "{}"),
    Row("GET /api/v1/users/me/security-events", PathTarget::Nothing, ""),
    Row("GET /api/v1/users/me/audit-log", PathTarget::Nothing, ""),
    Row("GET /api/v1/users/me/export", PathTarget::Nothing, ""),
    Row("GET /api/v1/admin/users", PathTarget::Nothing, ""),
    Row("GET /api/v1/admin/users/{id}", PathTarget::User, ""),
    Row("PATCH /api/v1/admin/users/{id}", PathTarget::User, "{}"),
    Row("GET /api/v1/admin/roles", PathTarget::Nothing, ""),
    Row("POST /api/v1/admin/roles", PathTarget::Nothing, "{}"),
    Row("PUT /api/v1/admin/roles/{name}", PathTarget::Role, r#"{"permissions": []}"#),
    Row("DELETE /api/v1/admin/roles/{name}", PathTarget::Role, ""),
    Row("GET /api/v1/admin/audit-log", PathTarget::Nothing, ""),
    Row("GET /api/v1/admin/security-events", PathTarget::Nothing, ""),
    Row("GET /api/v1/admin/ip-rules", PathTarget::Nothing, ""),
    Row("POST /api/v1/admin/ip-rules", PathTarget::Nothing, "{}"),
    Row("DELETE /api/v1/admin/ip-rules/{id}", PathTarget::Rule, ""),
    Row("PUT /api/v1/admin/exchange-rates", PathTarget::Nothing, "{}"),
    Row("GET /api/v1/accounts", PathTarget::Nothing, ""),
    Row("POST /api/v1/accounts", PathTarget::Nothing, "{}"),
    Row("GET /api/v1/accounts/{id}", PathTarget::Account, ""),
    Row("PUT /api/v1/accounts/{id}", PathTarget::Account, "{}"),
    Row("PATCH /api/v1/accounts/{id}", PathTarget::Account, "{}"),
    Row("DELETE /api/v1/accounts/{id}", PathTarget::Account, ""),
    Row("POST /api/v1/accounts/{id}/restore", PathTarget::Account, ""),
    Row("GET /api/v1/accounts/{id}/transactions", PathTarget::Account, ""),
    Row("GET /api/v1/accounts/{id}/balance", PathTarget::Account, ""),
    Row("GET /api/v1/accounts/{id}/balance-history", PathTarget::Account, ""),
    Row("GET /api/v1/categories", PathTarget::Nothing, ""),
    Row("POST /api/v1/categories", PathTarget::Nothing, "{}"),
    Row("GET /api/v1/categories/{id}", PathTarget::Category, ""),
    Row("PUT /api/v1/categories/{id}", PathTarget::Category, "{}"),
    Row("PATCH /api/v1/categories/{id}", PathTarget::Category, "{}"),
    Row("DELETE /api/v1/categories/{id}", PathTarget::Category, ""),
    Row("GET /api/v1/transactions", PathTarget::Nothing, ""),
    Row(
        "POST /api/v1/transactions",
        PathTarget::Nothing,
        r#"{"account_id": "x", "type": "expense", "amount": "1"}"#,
    ),
    Row("GET /api/v1/transactions/{id}", PathTarget::Transaction, ""),
    Row("PUT /api/v1/transactions/{id}", PathTarget::Transaction, "{}"),
    Row("PATCH /api/v1/transactions/{id}", PathTarget::Transaction, "{}"),
    Row("DELETE /api/v1/transactions/{id}", PathTarget::Transaction, ""),
    Row("GET /api/v1/transactions/{id}/history", PathTarget::Transaction, ""),
    Row("POST /api/v1/transactions/{id}/restore", PathTarget::Transaction, ""),
    Row("POST /api/v1/transactions/bulk", PathTarget::Nothing, "{}"),
    Row("GET /api/v1/transactions/export", PathTarget::Nothing, ""),
    Row("GET /api/v1/transactions/recurring", PathTarget::Nothing, ""),
    Row("POST /api/v1/transactions/recurring", PathTarget::Nothing, "{}"),
    Row("GET /api/v1/transactions/recurring/{id}", PathTarget::Recurring, ""),
    Row("PUT /api/v1/transactions/recurring/{id}", PathTarget::Recurring, "{}"),
    Row("PATCH /api/v1/transactions/recurring/{id}", PathTarget::Recurring, "{}"),
    Row("DELETE /api/v1/transactions/recurring/{id}", PathTarget::Recurring, ""),
    Row("POST /api/v1/transactions/recurring/{id}/pause", PathTarget::Recurring, ""),
    Row("POST /api/v1/transactions/recurring/{id}/resume", PathTarget::Recurring, ""),
    Row("POST /api/v1/transactions/recurring/{id}/skip", PathTarget::Recurring, ""),
    Row("GET /api/v1/currencies", PathTarget::Nothing, ""),
    Row("GET /api/v1/currencies/{code}", PathTarget::Currency, ""),
    Row("GET /api/v1/exchange-rates", PathTarget::Nothing, ""),
    Row("GET /api/v1/exchange-rates/convert?from=EUR&to=USD&amount=1", PathTarget::Nothing, ""),
    Row("GET /api/v1/analytics/spending", PathTarget::Nothing, ""),
    Row("GET /api/v1/analytics/income-expense", PathTarget::Nothing, ""),
    Row("GET /api/v1/analytics/categories", PathTarget::Nothing, ""),
    Row("GET /api/v1/analytics/cash-flow", PathTarget::Nothing, ""),
    Row("GET /api/v1/analytics/net-worth", PathTarget::Nothing, ""),
    Row("GET /api/v1/analytics/patterns", PathTarget::Nothing, ""),
    Row("GET /api/v1/budgets", PathTarget::Nothing, ""),
    Row(
        "POST /api/v1/budgets",
        PathTarget::Nothing,
        r#"{"name": "x", "amount": "1", "frequency": "monthly"}"#,
    ),
    Row("GET /api/v1/budgets/{id}", PathTarget::Budget, ""),
    Row("PUT /api/v1/budgets/{id}", PathTarget::Budget, "{}"),
    Row("PATCH /api/v1/budgets/{id}", PathTarget::Budget, "{}"),
    Row("DELETE /api/v1/budgets/{id}", PathTarget::Budget, ""),
    Row("GET /api/v1/budgets/{id}/progress", PathTarget::Budget, ""),
    Row("GET /api/v1/budgets/{id}/history", PathTarget::Budget, ""),
    Row("GET /api/v1/budgets/summary", PathTarget::Nothing, ""),
    Row("GET /api/v1/goals", PathTarget::Nothing, ""),
    Row("POST /api/v1/goals", PathTarget::Nothing, r#"{"name": "x", "target_amount": "0"}"#),
    Row("GET /api/v1/goals/{id}", PathTarget::Goal, ""),
    Row("PUT /api/v1/goals/{id}", PathTarget::Goal, "{}"),
    Row("PATCH /api/v1/goals/{id}", PathTarget::Goal, "{}"),
    Row("DELETE /api/v1/goals/{id}", PathTarget::Goal, ""),
    Row("POST /api/v1/goals/{id}/contribute", PathTarget::Goal, r#"{"amount": "1"}"#),
    Row("GET /api/v1/reports", PathTarget::Nothing, ""),
    Row("GET /api/v1/reports/monthly/{month}", PathTarget::Nothing, ""),
    Row("GET /api/v1/events", PathTarget::Nothing, ""),
    Row("POST /api/v1/goals/{id}/withdraw", PathTarget::Goal, r#"{"amount": "1"}"#),
    Row("GET /api/v1/goals/{id}/contributions", PathTarget::Goal, ""),
    Row("GET /api/v1/notifications", PathTarget::Nothing, ""),
    Row("PATCH /api/v1/notifications/{id}", PathTarget::Notification, "{}"),
    Row("POST /api/v1/notifications/read-all", PathTarget::Nothing, ""),
];

/// Reads the permissions of all operations that need a token.
///
/// An empty list means that a session is enough.
fn secured(document: &Value) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Some(security) = operation["security"].as_array().filter(|item| !item.is_empty()) else {
                continue;
            };
            let scopes = security[0]["access_token"].as_array().expect("the scheme").clone();
            let permissions = scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            found.insert(format!("{} {path}", method.to_uppercase()), permissions);
        }
    }
    found
}

impl Row {
    /// The operation as the OpenAPI document names it.
    fn operation(&self) -> &'static str {
        self.0.split('?').next().unwrap_or_default()
    }

    async fn send(
        &self,
        system: &System,
        token: Option<&str>,
        targets: &HashMap<PathTarget, String>,
    ) -> ApiResponse {
        let (method, path) = self.0.split_once(' ').expect("a method");
        let thing = targets.get(&self.1).cloned().unwrap_or_default();
        let path = path
            .replace("{id}", &thing)
            .replace("{name}", &thing)
            .replace("{code}", &thing)
            .replace("{month}", "2026-10");
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = system.client.request(method, &path);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if !self.2.is_empty() {
            request = request.header("content-type", "application/json").body(self.2);
        }
        system.client.send(request).await
    }
}

/// Creates one entity of each kind in the household of `user`.
async fn create_targets(user: &TestUser<'_>, session_id: &str) -> HashMap<PathTarget, String> {
    let account = user
        .create("/api/v1/accounts", json!({"name": "Bank", "account_type": "bank", "balance": "100"}))
        .await;
    let category = user.create("/api/v1/categories", json!({"name": "Mine", "type": "expense"})).await;
    let body = json!({"account_id": account, "type": "expense", "amount": "90", "category_id": category});
    let transaction = user.create("/api/v1/transactions", body).await;
    let body = json!({"account_id": account, "type": "income", "amount": "1", "frequency": "yearly"});
    let recurring = user.create("/api/v1/transactions/recurring", body).await;
    let body = json!({"name": "Mine", "amount": "100", "frequency": "monthly", "category_id": category});
    let budget = user.create("/api/v1/budgets", body).await;
    let goal = user.create("/api/v1/goals", json!({"name": "Mine", "target_amount": "100"})).await;
    let device =
        user.get("/api/v1/auth/devices").await.body["data"][0]["id"].as_str().expect("a device").to_owned();
    // Spending 90% of the budget creates a notification.
    let mut notification = String::new();
    eventually("a notification", async || {
        let inbox = user.get(NOTIFICATIONS).await;
        inbox.body["data"][0]["id"].as_str().unwrap_or_default().clone_into(&mut notification);
        !notification.is_empty()
    })
    .await;
    let me = user.get("/api/v1/users/me").await.text("id");
    HashMap::from([
        (PathTarget::Account, account),
        (PathTarget::Category, category),
        (PathTarget::Transaction, transaction),
        (PathTarget::Recurring, recurring),
        (PathTarget::Budget, budget),
        (PathTarget::Goal, goal),
        (PathTarget::Notification, notification),
        (PathTarget::Session, session_id.to_owned()),
        (PathTarget::Device, device),
        (PathTarget::User, me),
        (PathTarget::Role, "unknown".to_owned()),
        (PathTarget::Rule, "018f0000-0000-7000-8000-000000000000".to_owned()),
        (PathTarget::Currency, "EUR".to_owned()),
    ])
}

pub async fn every_operation_checks_authentication_and_authorization(system: &System) {
    let document = system.client.get("/openapi.json").await.body;
    let secured = secured(&document);
    let rows: BTreeSet<_> = ROWS.iter().map(Row::operation).collect();
    let documented: BTreeSet<_> = secured.keys().map(String::as_str).collect();
    assert_eq!(rows, documented, "every operation has a row, and every row an operation");

    let ana = logged_in(system, "matrix-ana@example.com").await;
    let eve = logged_in(system, "matrix-eve@example.com").await;
    let of_eve = eve.text("access_token");
    let forger = Forger::new(system, &ana.text("access_token")).await;
    let of_ana = TestUser::with_existing_token(system, &ana.text("access_token"));
    let targets = create_targets(&of_ana, &ana.text("session_id")).await;
    let nonexistent = HashMap::from([
        (PathTarget::User, "018f0000-0000-7000-8000-000000000000".to_owned()),
        (PathTarget::Rule, "018f0000-0000-7000-8000-000000000000".to_owned()),
        (PathTarget::Role, "unknown".to_owned()),
        (PathTarget::Currency, "XXQ".to_owned()),
    ]);

    let admin = administrator(system, "matrix-admin@example.com").await;

    for row in ROWS {
        let operation = row.operation();
        let none = row.send(system, None, &targets).await;
        assert_eq!((none.status, none.code()), (401, "TOKEN_MISSING"), "{operation}");
        let late = row.send(system, Some(&forger.expired()), &targets).await;
        assert_eq!((late.status, late.code()), (401, "TOKEN_EXPIRED"), "{operation}");
        // An entity of another household, or one that does not exist, is not found.
        let (token, foreign) = match row.1 {
            PathTarget::Nothing => continue,
            PathTarget::User | PathTarget::Role | PathTarget::Rule | PathTarget::Currency => {
                (admin.as_str(), &nonexistent)
            }
            _ => (of_eve.as_str(), &targets),
        };
        let response = row.send(system, Some(token), foreign).await;
        assert_eq!((response.status, response.code()), (404, "NOT_FOUND"), "{operation}: {response:?}");
    }
    missing_permissions_are_rejected(system, &secured, &admin, &targets).await;
    // The owner comes last: some of these calls end the session or delete the entity.
    let by_read_first = |row: &&Row| !row.0.starts_with("GET");
    let mut in_order: Vec<_> =
        ROWS.iter().filter(|row| row.1 != PathTarget::Nothing && row.1 != PathTarget::Session).collect();
    in_order.sort_by_key(by_read_first);
    for row in in_order {
        let is_admin_operation = matches!(row.1, PathTarget::User | PathTarget::Role | PathTarget::Rule);
        if is_admin_operation || row.0.starts_with("DELETE") || row.0.contains("restore") {
            continue;
        }
        let response = row.send(system, Some(&ana.text("access_token")), &targets).await;
        assert!(
            response.status < 300 || response.status == 422,
            "{}: the owner is authorized: {response:?}",
            row.0
        );
    }
}

/// Checks each permission with a user who has all others.
///
/// The user is rejected exactly where the document requires the permission.
async fn missing_permissions_are_rejected(
    system: &System,
    secured: &BTreeMap<String, Vec<String>>,
    admin: &str,
    targets: &HashMap<PathTarget, String>,
) {
    let email = "matrix-limited@example.com";
    let limited = logged_in(system, email).await.body["user"]["id"].as_str().expect("an id").to_owned();
    let admin = TestUser::with_existing_token(system, admin);
    let roles = admin.get("/api/v1/admin/roles").await;
    let all: Vec<_> =
        roles.body["permissions"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let bare = admin.post("/api/v1/admin/roles", json!({"name": "without"})).await;
    assert_eq!(
        (bare.status, bare.body["errors"][0]["field"].as_str()),
        (422, Some("permissions")),
        "{bare:?}"
    );
    let mut needed: BTreeSet<_> = secured.values().flatten().map(String::as_str).collect();
    // Permissions that only gRPC methods require, and no REST operation.
    let of_grpc = fintrac_proto::ACCESS.iter().filter(|item| item.direct && item.callers.is_empty());
    needed.extend(of_grpc.flat_map(|item| item.permissions));
    assert_eq!(
        needed,
        all.iter().copied().collect(),
        "every permission exists and is required by an operation"
    );
    for permission in all.clone() {
        let others: Vec<_> = all.iter().filter(|other| **other != permission).collect();
        let name = format!("not-{}", permission.replace(':', "-"));
        let role = admin.post("/api/v1/admin/roles", json!({"name": name, "permissions": others})).await;
        assert_eq!(role.status, 201, "{role:?}");
        let given = admin.patch(&format!("/api/v1/admin/users/{limited}"), json!({"roles": [name]})).await;
        assert_eq!(given.status, 200, "{given:?}");
        let token = system.client.login(email).await.text("access_token");
        let permitted = if permission == "profile:read" { ACCOUNTS } else { "/api/v1/users/me" };
        eventually("the role is effective", async || {
            system.client.get_as(&token, permitted).await.status == 200
        })
        .await;
        let needs = |row: &Row| secured[row.operation()].iter().any(|needed| needed == permission);
        for row in ROWS.iter().filter(|row| needs(row)) {
            let response = row.send(system, Some(&token), targets).await;
            assert_eq!(
                (response.status, response.code()),
                (403, "PERMISSION_DENIED"),
                "{} without {permission}",
                row.0
            );
        }
        // Operations that need another permission succeed.
        let reads = ROWS.iter().filter(|row| row.0.starts_with("GET") && row.1 == PathTarget::Nothing);
        for row in reads.filter(|row| !needs(row)).take(3) {
            assert_eq!(
                row.send(system, Some(&token), targets).await.status,
                200,
                "{} does not need {permission}",
                row.0
            );
        }
    }
}
