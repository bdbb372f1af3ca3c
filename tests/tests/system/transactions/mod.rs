//! `/transactions`.

pub mod bulk;
pub mod export;
pub mod recurring;
pub mod splits;

use std::collections::BTreeSet;

use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::transaction_service_client::TransactionServiceClient;
use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ACCOUNTS, TRANSACTIONS, TestUser, channel, field_errors, with_token};

pub async fn transactions_are_created_edited_and_voided(system: &System) {
    let ana = TestUser::new(system, "books@example.com").await;
    let groceries = ana.category("Mercado").await;
    let bank = ana.account(json!({"name": "Banco", "account_type": "BANK", "balance": 1000})).await;
    let card = ana.account(json!({"name": "Card", "account_type": "card", "currency_code": "USD"})).await;
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
    let stale = ana.request(Method::PUT, &path).header("if-match", "\"1\"");
    let stale = system.client.send(stale.json(&json!({"amount": "1"}))).await;
    assert_eq!((stale.status, stale.code()), (412, "VERSION_MISMATCH"));
    assert_eq!(ana.delete(&format!("{TRANSACTIONS}/{}", foreign.text("id"))).await.status, 204);
    let history = ana.get(&format!("{path}/history")).await;
    assert_eq!(
        history.body["data"][1]["changes"][0],
        json!({"field": "amount", "before": "12.50", "after": "20.00"})
    );

    assert_eq!(ana.balance(&bank).await, "880.00");
    assert_eq!(ana.balance(&card).await, "111.72");
    let running =
        ana.list_all(&format!("{ACCOUNTS}/{bank}/transactions?page_size=1&sort=transaction_date")).await;
    let running: Vec<_> = running.iter().map(|row| row["running_balance"].as_str().expect("text")).collect();
    assert_eq!(running, ["-20.00", "-120.00", "880.00"], "by date: the opening is dated today");
    let voided = ana.list_all(&format!("{TRANSACTIONS}?status=voided")).await;
    assert_eq!(voided.len(), 1);

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

pub async fn balances_are_exact_in_three_currencies(system: &System) {
    let ana = TestUser::new(system, "three-currencies@example.com").await;
    let account = async |name: &str, kind: &str, currency: &str, balance: &str| {
        let body = json!({"name": name, "account_type": kind, "currency_code": currency, "balance": balance});
        ana.account(body).await
    };
    let bank = account("Bank", "bank", "USD", "3000").await;
    let card = account("Card", "card", "EUR", "50.00").await;
    let cash = account("Cash", "cash", "JPY", "20000").await;
    let second = account("Second", "bank", "EUR", "0").await;
    for body in [
        json!({"account_id": bank, "type": "income", "amount": "2500.00", "description": "Salary"}),
        json!({"account_id": bank, "type": "transfer", "amount": "1117.20", "to_account_id": card,
            "to_amount": "1000.00"}),
        json!({"account_id": card, "type": "transfer", "amount": "200", "to_account_id": second}),
    ] {
        ana.create(TRANSACTIONS, body).await;
    }
    let taxi = json!({"account_id": cash, "type": "expense", "amount": "3500"});
    let taxi = format!("{TRANSACTIONS}/{}", ana.create(TRANSACTIONS, taxi).await);
    assert_eq!(ana.patch(&taxi, json!({"amount": "3000"})).await.status, 200);
    let mistake = json!({"account_id": bank, "type": "expense", "amount": "999.99"});
    let mistake = format!("{TRANSACTIONS}/{}", ana.create(TRANSACTIONS, mistake).await);
    assert_eq!(ana.delete(&mistake).await.status, 204);
    for (account, balance) in [(&bank, "4382.80"), (&card, "850.00"), (&cash, "17000"), (&second, "200.00")] {
        assert_eq!(ana.balance(account).await, balance);
    }
    let walked = ana.list_all(&format!("{TRANSACTIONS}?page_size=3")).await;
    let ids: BTreeSet<_> = walked.iter().map(|row| row["id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), walked.len(), "pages contain each row exactly once");
}

pub async fn a_voided_transaction_is_restored(system: &System) {
    let ana = TestUser::new(system, "unvoided@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "currency_code": "EUR"})).await;
    let spent = json!({"account_id": bank, "type": "expense", "amount": 10});
    let path = format!("{TRANSACTIONS}/{}", ana.create(TRANSACTIONS, spent).await);
    assert_eq!(ana.delete(&path).await.status, 204);
    assert_eq!(ana.balance(&bank).await, "0.00");
    let restored = ana.post(&format!("{path}/restore"), Value::Null).await;
    assert_eq!((restored.status, restored.text("status").as_str()), (200, "posted"), "{restored:?}");
    assert_eq!(restored.headers["etag"], "\"3\"");
    let kinds: Vec<_> =
        ana.list_all(&format!("{path}/history")).await.iter().map(|item| item["kind"].clone()).collect();
    assert_eq!(kinds, ["created", "voided", "restored"]);
}

pub async fn a_repeated_request_gets_the_first_response(system: &System) {
    let ana = TestUser::new(system, "repeated@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank"})).await;
    let body = json!({"account_id": bank, "type": "income", "amount": "5"}).to_string();
    let send = async |body: &str, key: &str| {
        let request = ana.request(Method::POST, TRANSACTIONS);
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
    let slash = ana.request(Method::POST, &format!("{TRANSACTIONS}/"));
    let slash = slash.header("content-type", "application/json").header("idempotency-key", "a-key");
    let slash = system.client.send(slash.body(body.clone())).await;
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
    for (body, status, expected) in [
        (json!({}), 422, &["type REQUIRED", "account_id REQUIRED", "amount REQUIRED"][..]),
        (json!({"account_id": bank, "type": "expense", "amount": "1e3"}), 422, &["amount AMOUNT_INVALID"]),
        (json!({"account_id": bank, "type": "expense", "amount": null}), 400, &["amount WRONG_TYPE"]),
        (json!({"account_id": bank, "type": "expense", "amount": true}), 400, &["amount WRONG_TYPE"]),
        (
            json!({"account_id": bank, "type": "expense", "amount": "0.001"}),
            422,
            &["amount AMOUNT_TOO_PRECISE"],
        ),
        (json!({"account_id": bank, "typ": "expense"}), 400, &["typ UNKNOWN_FIELD"]),
        (
            json!({"account_id": bank, "type": "expense", "amount": "1", "tags": "x"}),
            400,
            &["tags WRONG_TYPE"],
        ),
    ] {
        let response = ana.post(TRANSACTIONS, body.clone()).await;
        assert_eq!(response.status, status, "{body}");
        assert_eq!(field_errors(&response), expected, "{body}");
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
            (response.status, response.code(), field_errors(&response)),
            (400, "QUERY_INVALID", vec![expected.to_owned()])
        );
    }
    for path in [format!("{TRANSACTIONS}/%00"), format!("{TRANSACTIONS}/%ff")] {
        let response = ana.get(&path).await;
        assert!([400, 404].contains(&response.status), "{path}: {response:?}");
    }
}

/// An incomplete filter must not return everything.
pub async fn incomplete_filters_are_rejected(system: &System) {
    let ana = TestUser::new(system, "half-sent@example.com").await;
    for (query, expected) in [
        ("?account_id=", &["account_id"][..]),
        ("?q=&tag&type=expense", &["q", "tag"]),
        ("?page_token=", &["page_token"]),
    ] {
        let response = ana.get(&format!("{TRANSACTIONS}{query}")).await;
        assert_eq!((response.status, response.code()), (400, "QUERY_INVALID"), "{query}");
        let errors = response.body["errors"].as_array().expect("errors");
        let fields: Vec<_> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
        assert_eq!(fields, expected, "{query}");
    }
}

pub async fn clients_post_transactions_by_grpc(system: &System) {
    let ana = TestUser::new(system, "grpc-books@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank"})).await;
    let mut client = TransactionServiceClient::new(channel(&system.ledger_grpc).await);
    let request = || {
        let income = pb::CreateTransactionRequest {
            account_id: bank.clone(),
            r#type: "income".into(),
            amount: "3.21".into(),
            ..Default::default()
        };
        let mut request = with_token(ana.token(), income);
        request.metadata_mut().insert("idempotency-key", "program".parse().expect("metadata"));
        request
    };
    let first = client.create_transaction(request()).await.expect("posted").into_inner();
    let second = client.create_transaction(request()).await.expect("replayed").into_inner();
    assert_eq!(first, second);
    assert_eq!(ana.balance(&bank).await, "3.21");
}
