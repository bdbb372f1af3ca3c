//! Money over REST: accounts, transactions, repeated requests and rejections.

use chrono::Timelike as _;
use fintrac_kit::clock::Clock;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::transaction_service_client::TransactionServiceClient;
use fintrac_tests::client::{ApiResponse, Client};
use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::{Value, json};
use tonic::Request;

use crate::identity::logged_in;

const ACCOUNTS: &str = "/api/v1/accounts";
const TRANSACTIONS: &str = "/api/v1/transactions";

/// A user with a session.
pub struct TestUser<'a> {
    client: &'a Client,
    token: String,
}

impl<'a> TestUser<'a> {
    pub async fn new(system: &'a System, email: &str) -> Self {
        Self { client: &system.client, token: logged_in(system, email).await.text("access_token") }
    }

    /// Creates the same user from a token.
    pub fn with_existing_token(system: &'a System, token: &str) -> Self {
        Self { client: &system.client, token: token.to_owned() }
    }

    /// Moves to a time zone where it is about noon, so that no day ends during a test.
    pub async fn move_to_noon(&self) {
        let offset = 12 - i64::from(Clock::System.now().hour());
        // POSIX inverts the signs of these names.
        let zone = if offset == 0 { "Etc/GMT".to_owned() } else { format!("Etc/GMT{:+}", -offset) };
        let moved = self.patch("/api/v1/users/me/preferences", json!({"timezone": zone})).await;
        assert_eq!(moved.status, 200, "{moved:?}");
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub async fn get(&self, path: &str) -> ApiResponse {
        self.client.get_as(&self.token, path).await
    }

    pub async fn post(&self, path: &str, body: Value) -> ApiResponse {
        self.client.post_json_as(&self.token, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> ApiResponse {
        self.client.patch_json_as(&self.token, path, body).await
    }

    pub async fn delete(&self, path: &str) -> ApiResponse {
        self.client.delete_as(&self.token, path).await
    }

    pub async fn account(&self, body: Value) -> String {
        let opened = self.post(ACCOUNTS, body).await;
        assert_eq!(opened.status, 201, "{opened:?}");
        let id = opened.text("id");
        assert_eq!(opened.headers["location"], format!("{ACCOUNTS}/{id}"));
        id
    }

    pub async fn balance(&self, id: &str) -> String {
        self.get(&format!("{ACCOUNTS}/{id}")).await.text("balance")
    }

    /// Reads all pages of a list by their `Link` headers.
    pub async fn list_all(&self, path: &str) -> Vec<Value> {
        let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next {
            let page = self.get(&path).await;
            assert_eq!(page.status, 200, "{page:?}");
            rows.extend(page.body["data"].as_array().expect("a list").iter().cloned());
            let link = page.headers.get("link").map(|link| link.to_str().expect("text").to_owned());
            next = link.map(|link| link.split(['<', '>']).nth(1).expect("a link").to_owned());
            assert_eq!(next.is_some(), page.body["next_page_token"].is_string());
        }
        rows
    }
}

pub async fn a_user_manages_accounts_and_transactions(system: &System) {
    let ana = TestUser::new(system, "books@example.com").await;
    let categories = ana.list_all("/api/v1/categories?page_size=7").await;
    assert_eq!(
        (categories.len(), categories[0]["name"].as_str()),
        (20, Some("Sueldo")),
        "in the user's language"
    );
    let groceries =
        categories.iter().find(|item| item["name"] == "Alimentación").expect("a category")["id"].clone();

    let bank = ana.account(json!({"name": "Banco", "account_type": "BANK", "balance": 1000})).await;
    let card = ana.account(json!({"name": "Card", "account_type": "card", "currency_code": "USD"})).await;
    let yen = ana
        .account(json!({"name": "Yen", "account_type": "cash", "currency_code": "jpy", "balance": "5000"}))
        .await;
    let spent = json!({"account_id": bank, "type": "expense", "amount": 12.50, "category_id": groceries,
        "description": "Mercado", "tags": ["casa"], "transaction_date": "2026-10-05"});
    let market = ana.post(TRANSACTIONS, spent).await;
    assert_eq!((market.status, market.text("amount").as_str()), (201, "12.50"));
    assert_eq!(market.headers["etag"], "\"1\"");
    let transfer = json!({"account_id": bank, "type": "transfer", "amount": "100", "to_account_id": card,
        "to_amount": "111.72", "transaction_date": "2026-10-06"});
    assert_eq!(ana.post(TRANSACTIONS, transfer).await.status, 201);
    let foreign = json!({"account_id": bank, "type": "expense", "amount": "1000", "currency_code": "JPY",
        "transaction_date": "2026-10-07"});
    let foreign = ana.post(TRANSACTIONS, foreign).await;
    assert_eq!((foreign.status, foreign.text("account_amount").as_str()), (201, "5.59"), "{foreign:?}");
    assert_eq!(foreign.body["exchange_rate"]["source"], "bundled");

    let path = format!("{TRANSACTIONS}/{}", market.text("id"));
    let edited = ana.patch(&path, json!({"amount": "20.00", "description": null})).await;
    assert_eq!(
        (edited.status, edited.text("amount").as_str(), edited.headers["etag"].to_str().ok()),
        (200, "20.00", Some("\"2\""))
    );
    assert_eq!(edited.body["description"], Value::Null);
    let stale = ana.client.request(Method::PUT, &path).bearer_auth(&ana.token).header("if-match", "\"1\"");
    let stale = ana.client.send(stale.json(&json!({"amount": "1"}))).await;
    assert_eq!((stale.status, stale.code()), (412, "VERSION_MISMATCH"));
    assert_eq!(ana.delete(&format!("{TRANSACTIONS}/{}", foreign.text("id"))).await.status, 204);
    let history = ana.get(&format!("{path}/history")).await;
    assert_eq!(
        history.body["data"][1]["changes"][0],
        json!({"field": "amount", "before": "12.50", "after": "20.00"})
    );

    assert_eq!(ana.balance(&bank).await, "880.00");
    assert_eq!(ana.balance(&card).await, "111.72");
    let adjusted = ana.patch(&format!("{ACCOUNTS}/{yen}"), json!({"balance": 4500})).await;
    assert_eq!((adjusted.status, adjusted.text("balance").as_str()), (200, "4500"));
    let running =
        ana.list_all(&format!("{ACCOUNTS}/{bank}/transactions?page_size=1&sort=transaction_date")).await;
    let running: Vec<_> = running.iter().map(|row| row["running_balance"].as_str().expect("text")).collect();
    assert_eq!(running, ["-20.00", "-120.00", "880.00"], "by date: the opening is dated today");
    let voided = ana.list_all(&format!("{TRANSACTIONS}?status=voided")).await;
    assert_eq!(voided.len(), 1);

    let not_empty = ana.delete(&format!("{ACCOUNTS}/{card}")).await;
    assert_eq!((not_empty.status, not_empty.code()), (409, "ACCOUNT_HAS_BALANCE"));
    assert_eq!(ana.delete(&format!("{ACCOUNTS}/{card}?with_balance=true")).await.status, 204);
    assert_eq!(ana.get(&format!("{ACCOUNTS}/{card}")).await.status, 404);
    assert_eq!(ana.list_all(&format!("{ACCOUNTS}?deleted=true")).await.len(), 1);
    for replayed in [None, Some("true")] {
        let restore = ana.client.request(Method::POST, &format!("{ACCOUNTS}/{card}/restore"));
        let back = restore.bearer_auth(&ana.token).header("idempotency-key", "back");
        let back = ana.client.send(back).await;
        assert_eq!((back.status, back.text("balance").as_str()), (200, "111.72"));
        let header = back.headers.get("idempotency-replayed").and_then(|item| item.to_str().ok());
        assert_eq!(header, replayed);
    }
    let used = ana.delete(&format!("/api/v1/categories/{}", groceries.as_str().expect("an id"))).await;
    assert_eq!((used.status, used.code()), (409, "CATEGORY_IN_USE"));

    let converted = ana.get("/api/v1/exchange-rates/convert?from=usd&to=JPY&amount=10&date=2026-10-01").await;
    assert_eq!(
        (converted.status, converted.body["exchange_rate"]["date"].as_str()),
        (200, Some("2026-09-29"))
    );
    let rates = ana.get("/api/v1/exchange-rates?base=EUR").await;
    assert!(rates.body["data"].as_array().is_some_and(|rates| rates.len() >= 170));
    assert!(ana.list_all("/api/v1/currencies").await.len() >= 170);
    assert_eq!(ana.get("/api/v1/currencies/btc").await.body["decimals"], 8);

    let bob = TestUser::new(system, "other-books@example.com").await;
    for path in [
        path.clone(),
        format!("{path}/history"),
        format!("{ACCOUNTS}/{bank}"),
        format!("{ACCOUNTS}/{bank}/transactions"),
    ] {
        assert_eq!(bob.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(bob.delete(&path).await.status, 404);
    assert_eq!(bob.patch(&path, json!({"amount": "1"})).await.status, 404);
    assert!(bob.list_all(&format!("{TRANSACTIONS}?account_id={bank}")).await.is_empty());
}

pub async fn a_repeated_request_gets_the_first_response(system: &System) {
    let ana = TestUser::new(system, "repeated@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank"})).await;
    let body = json!({"account_id": bank, "type": "income", "amount": "5"}).to_string();
    let send = async |body: &str, key: &str| {
        let request = ana.client.request(Method::POST, TRANSACTIONS).bearer_auth(&ana.token);
        let request = request.header("content-type", "application/json").header("idempotency-key", key);
        let response = request.body(body.to_owned()).send().await.expect("a response");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.bytes().await.expect("a body"))
    };
    let (status, headers, first) = send(&body, "a-key").await;
    assert!(status == 201 && !headers.contains_key("idempotency-replayed"));
    let (status, again, second) = send(&body, "a-key").await;
    assert_eq!((status, &second), (201, &first), "byte for byte");
    assert_eq!(again["idempotency-replayed"], "true");
    for name in ["location", "etag", "content-type"] {
        assert_eq!(again[name], headers[name]);
    }
    let slash = ana.client.request(Method::POST, &format!("{TRANSACTIONS}/")).bearer_auth(&ana.token);
    let slash = slash.header("content-type", "application/json").header("idempotency-key", "a-key");
    let slash = ana.client.send(slash.body(body.clone())).await;
    assert_eq!((slash.status, slash.headers["idempotency-replayed"].to_str().ok()), (201, Some("true")));
    let (status, _, problem) = send(&body.replace('5', "6"), "a-key").await;
    let problem: Value = serde_json::from_slice(&problem).expect("JSON");
    assert_eq!((status, problem["code"].as_str()), (422, Some("IDEMPOTENCY_KEY_REUSED")));
    assert_eq!(send(&body, &"k".repeat(256)).await.0, 400);
    assert_eq!(ana.balance(&bank).await, "5.00");
}

pub async fn every_invalid_field_is_named(system: &System) {
    let ana = TestUser::new(system, "wrong@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank"})).await;
    let fields = |response: &ApiResponse| -> Vec<String> {
        let errors = response.body["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|item| {
                format!("{} {}", item["field"].as_str().unwrap_or(""), item["code"].as_str().unwrap_or(""))
            })
            .collect()
    };
    for (body, status, expected) in [
        (json!({}), 422, vec!["type REQUIRED", "account_id REQUIRED", "amount REQUIRED"]),
        (json!({"account_id": bank, "type": "expense", "amount": "1e3"}), 422, vec!["amount AMOUNT_INVALID"]),
        (json!({"account_id": bank, "type": "expense", "amount": null}), 400, vec!["amount WRONG_TYPE"]),
        (json!({"account_id": bank, "type": "expense", "amount": true}), 400, vec!["amount WRONG_TYPE"]),
        (
            json!({"account_id": bank, "type": "expense", "amount": "0.001"}),
            422,
            vec!["amount AMOUNT_TOO_PRECISE"],
        ),
        (json!({"account_id": bank, "typ": "expense"}), 400, vec!["typ UNKNOWN_FIELD"]),
        (
            json!({"account_id": bank, "type": "expense", "amount": "1", "tags": "x"}),
            400,
            vec!["tags WRONG_TYPE"],
        ),
    ] {
        let response = ana.post(TRANSACTIONS, body.clone()).await;
        assert_eq!(
            (response.status, fields(&response)),
            (status, expected.into_iter().map(str::to_owned).collect()),
            "{body}"
        );
    }
    for (query, expected) in [
        ("page_size=0", "page_size PAGE_SIZE_INVALID"),
        ("page_size=x", "page_size PAGE_SIZE_INVALID"),
        ("page_token=x", "page_token PAGE_TOKEN_INVALID"),
        ("from=x", "from PARAMETER_INVALID"),
        ("nonsense=1", "nonsense PARAMETER_INVALID"),
        ("from=2026-01-01&from=2026-01-02", "from PARAMETER_INVALID"),
    ] {
        let response = ana.get(&format!("{TRANSACTIONS}?{query}")).await;
        assert_eq!(
            (response.status, response.code(), fields(&response)),
            (400, "QUERY_INVALID", vec![expected.to_owned()])
        );
    }
    for path in ["/api/v1/currencies?nonsense=1", "/api/v1/users/me?nonsense=1"] {
        let response = ana.get(path).await;
        assert_eq!(
            (response.status, fields(&response)),
            (400, vec!["nonsense PARAMETER_INVALID".to_owned()])
        );
    }
    let maybe = ana.get(&format!("{ACCOUNTS}?deleted=maybe")).await;
    assert_eq!((maybe.status, fields(&maybe)), (400, vec!["deleted PARAMETER_INVALID".to_owned()]));
    for (tag, status) in [
        ("\"01\"", 412),
        ("W/\"1\"", 412),
        ("\"x\"", 412),
        ("", 400),
        ("1", 400),
        ("\"1", 400),
        ("\"1\", \"2\"", 400),
        ("*", 200),
        ("\"1\"", 200),
    ] {
        let path = format!("{ACCOUNTS}/{bank}");
        let request =
            ana.client.request(Method::PATCH, &path).bearer_auth(&ana.token).header("if-match", tag);
        let response = ana.client.send(request.json(&json!({"is_active": true}))).await;
        assert_eq!(response.status, status, "{tag}: {response:?}");
    }
    let null = ana.patch(&format!("{ACCOUNTS}/{bank}"), json!({"name": null})).await;
    assert_eq!((null.status, fields(&null)), (400, vec!["name WRONG_TYPE".to_owned()]));
    for path in [format!("{ACCOUNTS}/nothing"), format!("{TRANSACTIONS}/%00"), format!("{TRANSACTIONS}/%ff")]
    {
        let response = ana.get(&path).await;
        assert!([400, 404].contains(&response.status), "{path}: {response:?}");
    }
}

pub async fn clients_post_transactions_by_grpc(system: &System) {
    let ana = TestUser::new(system, "grpc-books@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank"})).await;
    let channel = tonic::transport::Channel::from_shared(system.ledger_grpc.clone()).expect("a URL");
    let mut client = TransactionServiceClient::new(channel.connect().await.expect("connected"));
    let request = || {
        let income = pb::CreateTransactionRequest {
            account_id: bank.clone(),
            r#type: "income".into(),
            amount: "3.21".into(),
            ..Default::default()
        };
        let mut request = Request::new(income);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", format!("Bearer {}", ana.token()).parse().expect("metadata"));
        metadata.insert("idempotency-key", "program".parse().expect("metadata"));
        request
    };
    let first = client.create_transaction(request()).await.expect("posted").into_inner();
    let second = client.create_transaction(request()).await.expect("replayed").into_inner();
    assert_eq!(first, second);
    assert_eq!(ana.balance(&bank).await, "3.21");
}
