//! `/users/me/export`, and erasure after `DELETE /users/me`.

use std::collections::BTreeSet;

use fintrac_proto::common::v1::ExportRequest;
use fintrac_proto::common::v1::export_service_client::ExportServiceClient;
use fintrac_tests::client::PASSWORD;
use fintrac_tests::system::{Layout, System};
use futures::TryStreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tonic::Request;
use tonic::transport::Endpoint;

use crate::BINARY;
use crate::support::{TestUser, eventually, logged_in};

const EMAIL: &str = "canary@example.com";
/// Words in every text field that the user fills, and in the client data.
const PERSONAL_DATA: [&str; 23] = [
    "canary@example.com",
    "Canarina",
    "Canarsson",
    "canarinho",
    "+34600987654",
    "Canary bank",
    "Canary description",
    "Canary category",
    "Canary lunch",
    "Canary reference",
    "Canary notes",
    "Canary split",
    "Canary rent",
    "canary-rent-tag",
    "canary-tag",
    "Canary lunch, edited",
    "Canary budget",
    "Canary goal",
    "Canary contribution",
    "Canary phone",
    "canary-agent",
    "canary-request",
    "203.0.113.77",
];

/// A user whose client sends identifiable client data.
struct TrackedUser<'a> {
    system: &'a System,
    token: String,
}

impl TrackedUser<'_> {
    async fn send(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.system.client.request(method, path).bearer_auth(&self.token);
        let request =
            request.header("user-agent", "canary-agent/1.0").header("x-request-id", "canary-request-1");
        let request = request.header("x-forwarded-for", "203.0.113.77");
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = self.system.client.send(request).await;
        assert!(response.status < 300, "{path}: {response:?}");
        response.body
    }

    async fn create(&self, path: &str, body: Value) -> String {
        self.send(Method::POST, path, body).await["id"].as_str().expect("an id").to_owned()
    }

    /// Fills every text field.
    async fn record_personal_data(&self) {
        let account = json!({"name": "Canary bank", "account_type": "bank", "balance": "500", "description": "Canary description"});
        let bank = self.create("/api/v1/accounts", account).await;
        let other = self.create("/api/v1/accounts", json!({"name": "Other", "account_type": "bank"})).await;
        let category =
            self.create("/api/v1/categories", json!({"name": "Canary category", "type": "expense"})).await;
        let budget = json!({"name": "Canary budget", "amount": "100", "frequency": "monthly", "category_id": category});
        self.create("/api/v1/budgets", budget).await;
        let lunch = json!({"account_id": bank, "type": "expense", "amount": "95.50", "category_id": category,
            "description": "Canary lunch", "reference_number": "Canary reference", "notes": "Canary notes",
            "tags": ["canary-tag"]});
        let lunch = self.create("/api/v1/transactions", lunch).await;
        let edit = json!({"description": "Canary lunch, edited"});
        self.send(Method::PATCH, &format!("/api/v1/transactions/{lunch}"), edit).await;
        let parts = json!([{"category_id": category, "amount": "2", "description": "Canary split"},
            {"category_id": category, "amount": "3"}]);
        let split = json!({"account_id": bank, "type": "expense", "amount": "5", "splits": parts});
        let split = self.create("/api/v1/transactions", split).await;
        self.send(Method::DELETE, &format!("/api/v1/transactions/{split}"), Value::Null).await;
        self.send(Method::POST, &format!("/api/v1/transactions/{split}/restore"), Value::Null).await;
        let rent = json!({"account_id": bank, "type": "expense", "amount": "9", "description": "Canary rent",
            "tags": ["canary-rent-tag"], "frequency": "monthly"});
        self.create("/api/v1/transactions/recurring", rent).await;
        let goal = json!({"name": "Canary goal", "target_amount": "100", "account_id": other});
        let goal = self.create("/api/v1/goals", goal).await;
        let contribution = json!({"amount": "30", "account_id": bank, "note": "Canary contribution"});
        self.create(&format!("/api/v1/goals/{goal}/contribute"), contribution).await;
    }
}

/// Waits until a query returns `expected`.
async fn wait_for_count(system: &System, sql: &'static str, expected: i64) {
    let mut connection = system.connect().await;
    eventually(sql, async || {
        let found: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("query");
        found == expected
    })
    .await;
}

/// Lists the tables that contain a word.
async fn tables_containing(system: &System, word: &str) -> Vec<String> {
    let dump = system.dump().await;
    let mut tables: Vec<_> =
        dump.into_iter().filter(|(_, row)| row.contains(word)).map(|(table, _)| table).collect();
    tables.dedup();
    tables
}

/// Lists the sections of the export that a gRPC server streams to its user.
async fn sections_over_grpc(url: &str, token: &str) -> BTreeSet<String> {
    let channel = Endpoint::from_shared(url.to_owned()).expect("a URL").connect().await.expect("a server");
    let mut request = Request::new(ExportRequest {});
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("metadata"));
    let stream = ExportServiceClient::new(channel).export(request).await.expect("a stream").into_inner();
    let pages: Vec<_> = stream.try_collect().await.expect("a complete export");
    pages.into_iter().flat_map(|page| page.records).map(|record| record.section).collect()
}

/// Ends the thirty days after which the account is erased.
async fn make_erasure_due(system: &System) {
    let mut connection = system.connect().await;
    sqlx::query("update auth.users set erase_at = '2026-01-01' where email_key = $1")
        .bind(EMAIL)
        .execute(&mut connection)
        .await
        .expect("the deletion date is moved");
    sqlx::query("update auth.jobs set run_at = '2026-01-01'")
        .execute(&mut connection)
        .await
        .expect("the jobs are made due");
}

pub async fn everything_is_exported_on_request_and_erased_after_the_grace_period() {
    let mut system = System::start(BINARY, Layout::OneProcess).await;
    let register = json!({"email": EMAIL, "password": PASSWORD, "first_name": "Canarina", "last_name": "Canarsson",
        "username": "canarinho", "phone_number": "+34 600 987 654"});
    assert_eq!(system.client.post("/api/v1/auth/register", register).await.status, 202);
    let token = system.mailbox.wait("verification", EMAIL).await.token();
    assert_eq!(system.client.post("/api/v1/auth/verify-email", json!({"token": token})).await.status, 204);
    let device = json!({"device_id": "canary-phone-1", "name": "Canary phone"});
    let body = json!({"email": EMAIL, "password": PASSWORD, "device": device});
    let login = system.client.post("/api/v1/auth/login", body).await;
    let canary = TrackedUser { system: &system, token: login.text("access_token") };
    // Keeps the budget's month from ending during the test.
    TestUser::with_existing_token(&system, &canary.token).move_to_noon().await;
    canary.record_personal_data().await;
    wait_for_count(&system, "select count(*) from ledger.transactions where recurring_id is not null", 1)
        .await;
    // If the first evaluation finds the budget spent, there is no alert for 80% before.
    let notified = "select count(*) from notify.notifications
                where kind in ('welcome', 'budget_exceeded', 'recurring_posted', 'goal_milestone')";
    wait_for_count(&system, notified, 4).await;
    // The audit log is eventually consistent.
    wait_for_count(
        &system,
        "select count(*) from notify.changes where service = 'budget' and entity = 'contribution'",
        1,
    )
    .await;

    let export = canary.send(Method::GET, "/api/v1/users/me/export", Value::Null).await;
    let text = export.to_string();
    for word in PERSONAL_DATA {
        assert!(text.contains(word), "{word} is not in the export");
    }
    let services = ["auth", "ledger", "budget", "notify"];
    let sections = services.map(|service| export[service].as_object().expect("an object").keys().cloned());
    let sections: BTreeSet<_> = sections.into_iter().flatten().collect();
    assert_eq!(sections_over_grpc(&system.auth_grpc, &canary.token).await, sections);
    let bank = &export["ledger"]["accounts"][0];
    assert_eq!(
        (bank["name"].as_str(), bank["projected_balance"].as_str()),
        (Some("Canary bank"), Some("360.50"))
    );
    assert_eq!(
        export["ledger"]["transactions"].as_array().map(Vec::len),
        Some(5),
        "opening, lunch, split, rent, transfer"
    );
    assert_eq!(export["ledger"]["history"][1]["postings"][0]["currency_code"], "USD");
    assert_eq!(export["budget"]["goals"][0]["current_amount"], "30.00");
    let alerts = export["budget"]["budgets"][0]["alerts"].as_array().expect("alerts");
    assert!(!alerts.is_empty(), "the budget of 100.00 is exceeded by lunch 95.50 and split 5.00");
    for alert in alerts {
        // The limit is 100 and nothing is carried over.
        assert_eq!((&alert["amount"], &alert["budgeted"]), (&json!("100.00"), &json!("100.00")));
    }
    for (service, section) in [
        ("auth", "sessions"),
        ("auth", "devices"),
        ("budget", "budgets"),
        ("budget", "contributions"),
        ("notify", "notifications"),
        ("notify", "activity"),
        ("notify", "mails"),
    ] {
        assert!(!export[service][section].as_array().expect(section).is_empty(), "{service} {section}");
    }
    for secret in [PASSWORD, "argon2", "v1.k1."] {
        assert!(!text.contains(secret), "{secret} is in the export");
    }

    canary.send(Method::DELETE, "/api/v1/users/me", json!({"password": PASSWORD})).await;
    let message = system.mailbox.wait("account_deletion", EMAIL).await;
    assert_eq!(message.subject, "Your account will be deleted");
    make_erasure_due(&system).await;
    system.terminate().await;
    system.restart().await;
    let done = "select (select count(*) from auth.erasures where erased_at is not null)
                     + (select count(*) from ledger.erasures where erased_at is not null)
                     + (select count(*) from budget.erasures where erased_at is not null)
                     + (select count(*) from notify.erasures where erased_at is not null)";
    wait_for_count(&system, done, 4).await;
    for word in PERSONAL_DATA {
        assert_eq!(tables_containing(&system, word).await, Vec::<String>::new(), "{word} was not erased");
    }
    assert!(system.verify().await, "every invariant of the ledger holds");
    let mut connection = system.connect().await;
    let sums: i64 = sqlx::query_scalar("select sum(balance)::bigint from ledger.accounts")
        .fetch_one(&mut connection)
        .await
        .expect("query");
    assert_eq!(sums, 39_050, "the balances are unchanged");
    let members: i64 = sqlx::query_scalar("select count(*) from auth.memberships")
        .fetch_one(&mut connection)
        .await
        .expect("query");
    assert_eq!(members, 0, "the household has no members");
    assert_eq!(system.client.login(EMAIL).await.status, 401);
    system.terminate().await;
}

/// Exports more data than fits into one message between services.
pub async fn an_export_holds_more_than_one_grpc_message(system: &System) {
    let login = logged_in(system, "writer@example.com").await;
    let writer = TrackedUser { system, token: login.text("access_token") };
    let account = json!({"name": "Bank", "account_type": "bank", "balance": "500"});
    let account = writer.create("/api/v1/accounts", account).await;
    let operation = json!({"op": "create", "account_id": account, "type": "expense", "amount": "0.01",
        "notes": "🐦".repeat(4000)});
    let bulk = json!({"mode": "atomic", "operations": vec![operation; 400]});
    let made = writer.send(Method::POST, "/api/v1/transactions/bulk", bulk).await;
    let id = made["results"][0]["transaction"]["id"].as_str().expect("an id");
    for bird in ["🦆", "🦉", "🐦"] {
        let notes = json!({"notes": bird.repeat(4000)});
        writer.send(Method::PATCH, &format!("/api/v1/transactions/{id}"), notes).await;
    }

    let export = writer.send(Method::GET, "/api/v1/users/me/export", Value::Null).await;
    let transactions = export["ledger"]["transactions"].as_array().expect("a list");
    let written =
        transactions.iter().filter(|item| item["notes"].as_str().is_some_and(|item| item.len() == 16_000));
    assert_eq!(written.count(), 400);
    let history = export["ledger"]["history"].as_array().expect("a list");
    assert_eq!(history.len(), 404, "including the opening balance and three edits");
    let revisions =
        history.iter().filter(|item| item["transaction_id"] == id).map(|item| item["revision"].clone());
    assert_eq!(revisions.collect::<Vec<_>>(), [1, 2, 3, 4]);
}
