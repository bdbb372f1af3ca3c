//! Who gets in: forged tokens at every door, and every operation of the
//! document against callers who may not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use fintrac_proto::auth::v1 as auth;
use fintrac_proto::auth::v1::user_service_client::UserServiceClient;
use fintrac_proto::budget::v1 as budget;
use fintrac_proto::budget::v1::budget_service_client::BudgetServiceClient;
use fintrac_proto::ledger::v1 as ledger;
use fintrac_proto::ledger::v1::account_service_client::AccountServiceClient;
use fintrac_proto::notify::v1 as notify;
use fintrac_proto::notify::v1::notification_service_client::NotificationServiceClient;
use fintrac_tests::client::Answer;
use fintrac_tests::suite::{Shape, Suite};
use reqwest::Method;
use serde_json::{Value, json};
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::BINARY;
use crate::forger::Forger;
use crate::identity::logged_in;
use crate::money::Person;

async fn channel(url: &str) -> Channel {
    Endpoint::from_shared(url.to_owned()).expect("a URL").connect().await.expect("a server")
}

/// The services called directly, one call each.
struct Services {
    auth: Channel,
    ledger: Channel,
    budget: Channel,
    notify: Channel,
}

impl Services {
    async fn new(suite: &Suite) -> Self {
        Self {
            auth: channel(&suite.auth_grpc).await,
            ledger: channel(&suite.ledger_grpc).await,
            budget: channel(&suite.budget_grpc).await,
            notify: channel(&suite.notify_grpc).await,
        }
    }

    /// What each of them says to a token; none when it cannot be sent at all.
    async fn ask(&self, token: &str) -> Option<[(&'static str, Result<(), Status>); 4]> {
        let value = MetadataValue::try_from(format!("Bearer {token}")).ok()?;
        macro_rules! with {
            ($message:expr) => {{
                let mut request = Request::new($message);
                request.metadata_mut().insert("authorization", value.clone());
                request
            }};
        }
        let auth = UserServiceClient::new(self.auth.clone()).get_me(with!(auth::GetMeRequest {})).await;
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

#[tokio::test]
async fn forged_tokens_are_refused_at_every_door() {
    let mut suite = Suite::start(BINARY, Shape::FiveProcesses).await;
    let login = logged_in(&suite, "forged@example.com").await;
    let forger = Forger::new(&suite, &login.text("access_token")).await;
    let services = Services::new(&suite).await;
    let control = forger.sign(&forger.header(), &forger.claims);
    for token in [&forger.good, &control] {
        assert_eq!(suite.client.get_as(token, "/api/v1/users/me").await.status, 200);
        for (part, answer) in services.ask(token).await.expect("it can be sent") {
            answer.unwrap_or_else(|status| panic!("{part} refuses a good token: {status}"));
        }
    }
    suite.client.register("pending@example.com").await;
    let verification = suite.mailbox.wait("verification", "pending@example.com").await.token();
    let mut forged = forger.forgeries();
    forged.push(("a refresh token".into(), login.text("refresh_token")));
    forged.push(("a verification token".into(), verification));
    forged.push(("expired".into(), forger.expired()));
    assert!(forged.len() >= 40, "{}", forged.len());
    let mut sent = 0;
    for (name, token) in &forged {
        // What cannot stand in a header cannot be sent; the client itself refuses it.
        if reqwest::header::HeaderValue::from_str(&format!("Bearer {token}")).is_err() {
            continue;
        }
        let answer = suite.client.get_as(token, "/api/v1/users/me").await;
        // Headers beyond what anybody needs end before any handler, at the gateway and in HTTP/2.
        let huge = token.len() > 16_000;
        assert!(
            answer.status == 401 || huge && answer.status == 431,
            "the gateway believes {name}: {answer:?}"
        );
        let Some(answers) = services.ask(token).await else { continue };
        for (part, answer) in answers {
            let status = answer.expect_err(&format!("{part} believes {name}"));
            assert!(status.code() == Code::Unauthenticated || huge, "{part}, {name}: {status}");
        }
        sent += 1;
    }
    assert!(sent >= 40, "{sent} tokens went out");
    suite.terminate().await;
}

/// What `{id}` or another part of a path is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Of {
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
    /// Things of the whole suite: nobody's household.
    User,
    Role,
    Rule,
    Currency,
}

/// One operation: how it is called, and what its path names.
struct Row(&'static str, Of, &'static str);

/// Every operation that needs a token. One without a row fails the test.
const ROWS: &[Row] = &[
    Row("POST /api/v1/auth/logout", Of::Nothing, ""),
    Row("POST /api/v1/auth/logout-all", Of::Nothing, ""),
    Row("POST /api/v1/auth/reauthenticate", Of::Nothing, "{}"),
    Row("POST /api/v1/auth/mfa/totp", Of::Nothing, ""),
    Row("DELETE /api/v1/auth/mfa/totp", Of::Nothing, "{}"),
    Row("POST /api/v1/auth/mfa/totp/confirm", Of::Nothing, "{}"),
    Row("GET /api/v1/auth/sessions", Of::Nothing, ""),
    Row("DELETE /api/v1/auth/sessions/{id}", Of::Session, ""),
    Row("GET /api/v1/auth/devices", Of::Nothing, ""),
    Row("PATCH /api/v1/auth/devices/{id}", Of::Device, "{}"),
    Row("DELETE /api/v1/auth/devices/{id}", Of::Device, ""),
    Row("GET /api/v1/users/me", Of::Nothing, ""),
    Row("PUT /api/v1/users/me", Of::Nothing, "{}"),
    Row("PATCH /api/v1/users/me", Of::Nothing, "{}"),
    Row("DELETE /api/v1/users/me", Of::Nothing, "{}"),
    Row("POST /api/v1/users/me/change-password", Of::Nothing, "{}"),
    Row("GET /api/v1/users/me/preferences", Of::Nothing, ""),
    Row("PUT /api/v1/users/me/preferences", Of::Nothing, "{}"),
    Row("PATCH /api/v1/users/me/preferences", Of::Nothing, "{}"),
    Row("GET /api/v1/users/me/security-events", Of::Nothing, ""),
    Row("GET /api/v1/users/me/audit-log", Of::Nothing, ""),
    Row("GET /api/v1/users/me/export", Of::Nothing, ""),
    Row("GET /api/v1/admin/users", Of::Nothing, ""),
    Row("GET /api/v1/admin/users/{id}", Of::User, ""),
    Row("PATCH /api/v1/admin/users/{id}", Of::User, "{}"),
    Row("GET /api/v1/admin/roles", Of::Nothing, ""),
    Row("POST /api/v1/admin/roles", Of::Nothing, "{}"),
    Row("PUT /api/v1/admin/roles/{name}", Of::Role, r#"{"permissions": []}"#),
    Row("DELETE /api/v1/admin/roles/{name}", Of::Role, ""),
    Row("GET /api/v1/admin/audit-log", Of::Nothing, ""),
    Row("GET /api/v1/admin/security-events", Of::Nothing, ""),
    Row("GET /api/v1/admin/ip-rules", Of::Nothing, ""),
    Row("POST /api/v1/admin/ip-rules", Of::Nothing, "{}"),
    Row("DELETE /api/v1/admin/ip-rules/{id}", Of::Rule, ""),
    Row("PUT /api/v1/admin/exchange-rates", Of::Nothing, "{}"),
    Row("GET /api/v1/accounts", Of::Nothing, ""),
    Row("POST /api/v1/accounts", Of::Nothing, "{}"),
    Row("GET /api/v1/accounts/{id}", Of::Account, ""),
    Row("PUT /api/v1/accounts/{id}", Of::Account, "{}"),
    Row("PATCH /api/v1/accounts/{id}", Of::Account, "{}"),
    Row("DELETE /api/v1/accounts/{id}", Of::Account, ""),
    Row("POST /api/v1/accounts/{id}/restore", Of::Account, ""),
    Row("GET /api/v1/accounts/{id}/transactions", Of::Account, ""),
    Row("GET /api/v1/accounts/{id}/balance", Of::Account, ""),
    Row("GET /api/v1/accounts/{id}/balance-history", Of::Account, ""),
    Row("GET /api/v1/categories", Of::Nothing, ""),
    Row("POST /api/v1/categories", Of::Nothing, "{}"),
    Row("GET /api/v1/categories/{id}", Of::Category, ""),
    Row("PUT /api/v1/categories/{id}", Of::Category, "{}"),
    Row("PATCH /api/v1/categories/{id}", Of::Category, "{}"),
    Row("DELETE /api/v1/categories/{id}", Of::Category, ""),
    Row("GET /api/v1/transactions", Of::Nothing, ""),
    Row("POST /api/v1/transactions", Of::Nothing, r#"{"account_id": "x", "type": "expense", "amount": "1"}"#),
    Row("GET /api/v1/transactions/{id}", Of::Transaction, ""),
    Row("PUT /api/v1/transactions/{id}", Of::Transaction, "{}"),
    Row("PATCH /api/v1/transactions/{id}", Of::Transaction, "{}"),
    Row("DELETE /api/v1/transactions/{id}", Of::Transaction, ""),
    Row("GET /api/v1/transactions/{id}/history", Of::Transaction, ""),
    Row("POST /api/v1/transactions/{id}/restore", Of::Transaction, ""),
    Row("POST /api/v1/transactions/bulk", Of::Nothing, "{}"),
    Row("GET /api/v1/transactions/export", Of::Nothing, ""),
    Row("GET /api/v1/transactions/recurring", Of::Nothing, ""),
    Row("POST /api/v1/transactions/recurring", Of::Nothing, "{}"),
    Row("GET /api/v1/transactions/recurring/{id}", Of::Recurring, ""),
    Row("PUT /api/v1/transactions/recurring/{id}", Of::Recurring, "{}"),
    Row("PATCH /api/v1/transactions/recurring/{id}", Of::Recurring, "{}"),
    Row("DELETE /api/v1/transactions/recurring/{id}", Of::Recurring, ""),
    Row("POST /api/v1/transactions/recurring/{id}/pause", Of::Recurring, ""),
    Row("POST /api/v1/transactions/recurring/{id}/resume", Of::Recurring, ""),
    Row("POST /api/v1/transactions/recurring/{id}/skip", Of::Recurring, ""),
    Row("GET /api/v1/currencies", Of::Nothing, ""),
    Row("GET /api/v1/currencies/{code}", Of::Currency, ""),
    Row("GET /api/v1/exchange-rates", Of::Nothing, ""),
    Row("GET /api/v1/exchange-rates/convert?from=EUR&to=USD&amount=1", Of::Nothing, ""),
    Row("GET /api/v1/analytics/spending", Of::Nothing, ""),
    Row("GET /api/v1/analytics/income-expense", Of::Nothing, ""),
    Row("GET /api/v1/analytics/categories", Of::Nothing, ""),
    Row("GET /api/v1/analytics/cash-flow", Of::Nothing, ""),
    Row("GET /api/v1/analytics/net-worth", Of::Nothing, ""),
    Row("GET /api/v1/analytics/patterns", Of::Nothing, ""),
    Row("GET /api/v1/budgets", Of::Nothing, ""),
    Row("POST /api/v1/budgets", Of::Nothing, r#"{"name": "x", "amount": "1", "frequency": "monthly"}"#),
    Row("GET /api/v1/budgets/{id}", Of::Budget, ""),
    Row("PUT /api/v1/budgets/{id}", Of::Budget, "{}"),
    Row("PATCH /api/v1/budgets/{id}", Of::Budget, "{}"),
    Row("DELETE /api/v1/budgets/{id}", Of::Budget, ""),
    Row("GET /api/v1/budgets/{id}/progress", Of::Budget, ""),
    Row("GET /api/v1/budgets/{id}/history", Of::Budget, ""),
    Row("GET /api/v1/budgets/summary", Of::Nothing, ""),
    Row("GET /api/v1/goals", Of::Nothing, ""),
    Row("POST /api/v1/goals", Of::Nothing, r#"{"name": "x", "target_amount": "0"}"#),
    Row("GET /api/v1/goals/{id}", Of::Goal, ""),
    Row("PUT /api/v1/goals/{id}", Of::Goal, "{}"),
    Row("PATCH /api/v1/goals/{id}", Of::Goal, "{}"),
    Row("DELETE /api/v1/goals/{id}", Of::Goal, ""),
    Row("POST /api/v1/goals/{id}/contribute", Of::Goal, r#"{"amount": "1"}"#),
    Row("GET /api/v1/reports", Of::Nothing, ""),
    Row("GET /api/v1/reports/monthly/{month}", Of::Nothing, ""),
    Row("GET /api/v1/events", Of::Nothing, ""),
    Row("POST /api/v1/goals/{id}/withdraw", Of::Goal, r#"{"amount": "1"}"#),
    Row("GET /api/v1/goals/{id}/contributions", Of::Goal, ""),
    Row("GET /api/v1/notifications", Of::Nothing, ""),
    Row("PATCH /api/v1/notifications/{id}", Of::Notification, "{}"),
    Row("POST /api/v1/notifications/read-all", Of::Nothing, ""),
];

/// The permission of every operation that needs a token; none: a session is enough.
fn secured(document: &Value) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Some(security) = operation["security"].as_array().filter(|it| !it.is_empty()) else {
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
    /// As the document names it.
    fn operation(&self) -> &'static str {
        self.0.split('?').next().unwrap_or_default()
    }

    async fn send(&self, suite: &Suite, token: Option<&str>, things: &HashMap<Of, String>) -> Answer {
        let (method, path) = self.0.split_once(' ').expect("a method");
        let thing = things.get(&self.1).cloned().unwrap_or_default();
        let path = path
            .replace("{id}", &thing)
            .replace("{name}", &thing)
            .replace("{code}", &thing)
            .replace("{month}", "2026-10");
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = suite.client.request(method, &path);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if !self.2.is_empty() {
            request = request.header("content-type", "application/json").body(self.2);
        }
        suite.client.send(request).await
    }
}

/// One thing of each kind, of a household of its own.
async fn things(person: &Person<'_>, session_id: &str) -> HashMap<Of, String> {
    let made = async |path: &str, body: Value| {
        let answer = person.post(path, body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.text("id")
    };
    let account =
        made("/api/v1/accounts", json!({"name": "Bank", "account_type": "bank", "balance": "100"})).await;
    let category = made("/api/v1/categories", json!({"name": "Mine", "type": "expense"})).await;
    let body = json!({"account_id": account, "type": "expense", "amount": "90", "category_id": category});
    let transaction = made("/api/v1/transactions", body).await;
    let body = json!({"account_id": account, "type": "income", "amount": "1", "frequency": "yearly"});
    let recurring = made("/api/v1/transactions/recurring", body).await;
    let body = json!({"name": "Mine", "amount": "100", "frequency": "monthly", "category_id": category});
    let budget = made("/api/v1/budgets", body).await;
    let goal = made("/api/v1/goals", json!({"name": "Mine", "target_amount": "100"})).await;
    let device =
        person.get("/api/v1/auth/devices").await.body["data"][0]["id"].as_str().expect("a device").to_owned();
    // The budget is spent to 90 %, so there will be something in the inbox.
    let told = async {
        loop {
            let inbox = person.get("/api/v1/notifications").await;
            if let Some(id) = inbox.body["data"][0]["id"].as_str() {
                return id.to_owned();
            }
        }
    };
    let notification = tokio::time::timeout(Duration::from_mins(1), told).await.expect("a notification");
    let me = person.get("/api/v1/users/me").await.text("id");
    HashMap::from([
        (Of::Account, account),
        (Of::Category, category),
        (Of::Transaction, transaction),
        (Of::Recurring, recurring),
        (Of::Budget, budget),
        (Of::Goal, goal),
        (Of::Notification, notification),
        (Of::Session, session_id.to_owned()),
        (Of::Device, device),
        (Of::User, me),
        (Of::Role, "nobodys".to_owned()),
        (Of::Rule, "018f0000-0000-7000-8000-000000000000".to_owned()),
        (Of::Currency, "EUR".to_owned()),
    ])
}

async fn login(suite: &Suite, email: &str) -> String {
    let login = suite.client.login(email).await;
    assert_eq!(login.status, 200, "{login:?}");
    login.text("access_token")
}

#[tokio::test]
async fn every_operation_asks_who_and_whether_he_may() {
    let mut suite = Suite::start(BINARY, Shape::FiveProcesses).await;
    let document = suite.client.get("/openapi.json").await.body;
    let secured = secured(&document);
    let rows: BTreeSet<_> = ROWS.iter().map(Row::operation).collect();
    let documented: BTreeSet<_> = secured.keys().map(String::as_str).collect();
    assert_eq!(rows, documented, "every operation needs its row, and every row its operation");

    let ana = logged_in(&suite, "matrix-ana@example.com").await;
    let eve = logged_in(&suite, "matrix-eve@example.com").await;
    let of_eve = eve.text("access_token");
    let forger = Forger::new(&suite, &ana.text("access_token")).await;
    let of_ana = Person::again(&suite, &ana.text("access_token"));
    let things = things(&of_ana, &ana.text("session_id")).await;
    let nobodys = HashMap::from([
        (Of::User, "018f0000-0000-7000-8000-000000000000".to_owned()),
        (Of::Rule, "018f0000-0000-7000-8000-000000000000".to_owned()),
        (Of::Role, "nobodys".to_owned()),
        (Of::Currency, "XXQ".to_owned()),
    ]);

    logged_in(&suite, "matrix-admin@example.com").await;
    suite.operate(&["admin-create", "matrix-admin@example.com"]).await;
    let admin = login(&suite, "matrix-admin@example.com").await;

    for row in ROWS {
        let operation = row.operation();
        let none = row.send(&suite, None, &things).await;
        assert_eq!((none.status, none.code()), (401, "TOKEN_MISSING"), "{operation}");
        let late = row.send(&suite, Some(&forger.expired()), &things).await;
        assert_eq!((late.status, late.code()), (401, "TOKEN_EXPIRED"), "{operation}");
        // Somebody else's thing is not there; nor is one that nobody has.
        let (token, foreign) = match row.1 {
            Of::Nothing => continue,
            Of::User | Of::Role | Of::Rule | Of::Currency => (admin.as_str(), &nobodys),
            _ => (of_eve.as_str(), &things),
        };
        let answer = row.send(&suite, Some(token), foreign).await;
        assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{operation}: {answer:?}");
    }
    too_little_permission(&suite, &secured, &admin, &things).await;
    // The owner, last: some of these calls end the session or delete the thing.
    let by_read_first = |row: &&Row| !row.0.starts_with("GET");
    let mut in_order: Vec<_> =
        ROWS.iter().filter(|row| row.1 != Of::Nothing && row.1 != Of::Session).collect();
    in_order.sort_by_key(by_read_first);
    for row in in_order {
        let of_admin = matches!(row.1, Of::User | Of::Role | Of::Rule);
        if of_admin || row.0.starts_with("DELETE") || row.0.contains("restore") {
            continue;
        }
        let answer = row.send(&suite, Some(&ana.text("access_token")), &things).await;
        assert!(answer.status < 300 || answer.status == 422, "{}: the owner may: {answer:?}", row.0);
    }
    suite.terminate().await;
}

/// For each permission somebody who has all the others: refused where the document says that it is
/// needed, and nowhere else.
async fn too_little_permission(
    suite: &Suite,
    secured: &BTreeMap<String, Vec<String>>,
    admin: &str,
    things: &HashMap<Of, String>,
) {
    let email = "matrix-limited@example.com";
    logged_in(suite, email).await;
    let limited = Person::again(suite, &login(suite, email).await).get("/api/v1/users/me").await.text("id");
    let admin = Person::again(suite, admin);
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
    // What programs ask over gRPC and no REST call does.
    let of_programs = fintrac_proto::ACCESS.iter().filter(|it| it.direct && it.callers.is_empty());
    needed.extend(of_programs.flat_map(|it| it.permissions));
    assert_eq!(needed, all.iter().copied().collect(), "every permission is needed somewhere, and exists");
    for permission in all.clone() {
        let others: Vec<_> = all.iter().filter(|other| **other != permission).collect();
        let name = format!("not-{}", permission.replace(':', "-"));
        let role = admin.post("/api/v1/admin/roles", json!({"name": name, "permissions": others})).await;
        assert_eq!(role.status, 201, "{role:?}");
        let given = admin.patch(&format!("/api/v1/admin/users/{limited}"), json!({"roles": [name]})).await;
        assert_eq!(given.status, 200, "{given:?}");
        let token = login(suite, email).await;
        in_force(
            suite,
            &token,
            if permission == "profile:read" { "/api/v1/accounts" } else { "/api/v1/users/me" },
        )
        .await;
        let needs = |row: &Row| secured[row.operation()].iter().any(|needed| needed == permission);
        for row in ROWS.iter().filter(|row| needs(row)) {
            let answer = row.send(suite, Some(&token), things).await;
            assert_eq!(
                (answer.status, answer.code()),
                (403, "PERMISSION_DENIED"),
                "{} without {permission}",
                row.0
            );
        }
        // One that needs another permission is not refused for this one.
        let reads = ROWS.iter().filter(|row| row.0.starts_with("GET") && row.1 == Of::Nothing);
        for row in reads.filter(|row| !needs(row)).take(3) {
            assert_eq!(
                row.send(suite, Some(&token), things).await.status,
                200,
                "{} needs no {permission}",
                row.0
            );
        }
    }
}

/// Waits until every process has heard of a new role.
async fn in_force(suite: &Suite, token: &str, path: &str) {
    let heard = async { while suite.client.get_as(token, path).await.status != 200 {} };
    tokio::time::timeout(Duration::from_mins(1), heard).await.expect("the role is in force");
}
