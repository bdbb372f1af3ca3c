//! `/accounts`.

use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::json;

use crate::support::{ACCOUNTS, TRANSACTIONS, TestUser, field_errors};

pub async fn a_balance_is_adjusted(system: &System) {
    let ana = TestUser::new(system, "adjusted@example.com").await;
    let yen = ana
        .account(json!({"name": "Yen", "account_type": "cash", "currency_code": "jpy", "balance": "5000"}))
        .await;
    let adjusted = ana.patch(&format!("{ACCOUNTS}/{yen}"), json!({"balance": 4500})).await;
    assert_eq!((adjusted.status, adjusted.text("balance").as_str()), (200, "4500"));
}

pub async fn an_account_is_deleted_and_restored(system: &System) {
    let ana = TestUser::new(system, "restored-account@example.com").await;
    let card = json!({"name": "Card", "account_type": "card", "currency_code": "USD", "balance": "111.72"});
    let card = ana.account(card).await;
    let not_empty = ana.delete(&format!("{ACCOUNTS}/{card}")).await;
    assert_eq!((not_empty.status, not_empty.code()), (409, "ACCOUNT_HAS_BALANCE"));
    assert_eq!(ana.delete(&format!("{ACCOUNTS}/{card}?with_balance=true")).await.status, 204);
    assert_eq!(ana.get(&format!("{ACCOUNTS}/{card}")).await.status, 404);
    assert_eq!(ana.list_all(&format!("{ACCOUNTS}?deleted=true")).await.len(), 1);
    for replayed in [None, Some("true")] {
        let restore = ana.request(Method::POST, &format!("{ACCOUNTS}/{card}/restore"));
        let back = system.client.send(restore.header("idempotency-key", "back")).await;
        assert_eq!((back.status, back.text("balance").as_str()), (200, "111.72"));
        let header = back.headers.get("idempotency-replayed").and_then(|item| item.to_str().ok());
        assert_eq!(header, replayed);
    }
}

pub async fn balances_of_past_days(system: &System) {
    let ana = TestUser::new(system, "past-balances@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "currency_code": "EUR"})).await;
    let spent =
        json!({"account_id": bank, "type": "expense", "amount": 10, "transaction_date": "2026-08-31"});
    ana.create(TRANSACTIONS, spent).await;
    let balance = format!("{ACCOUNTS}/{bank}/balance");
    assert_eq!(ana.get(&format!("{balance}?date=2026-08-31")).await.text("balance"), "-10.00");
    assert_eq!(ana.get(&format!("{balance}?date=2026-08-30")).await.text("balance"), "0.00");
    let history = format!("{ACCOUNTS}/{bank}/balance-history?from=2026-08-30&to=2026-09-01&interval=day");
    let history = ana.get(&history).await;
    let closing: Vec<_> =
        history.body["data"].as_array().expect("days").iter().map(|item| item["balance"].clone()).collect();
    assert_eq!(closing, ["0.00", "-10.00", "-10.00"]);
}

pub async fn invalid_requests_are_rejected(system: &System) {
    let ana = TestUser::new(system, "wrong-account@example.com").await;
    let bank = format!("{ACCOUNTS}/{}", ana.account(json!({"name": "Bank", "account_type": "bank"})).await);
    let maybe = ana.get(&format!("{ACCOUNTS}?deleted=maybe")).await;
    assert_eq!((maybe.status, field_errors(&maybe)), (400, vec!["deleted PARAMETER_INVALID".to_owned()]));
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
        let request = ana.request(Method::PATCH, &bank).header("if-match", tag);
        let response = system.client.send(request.json(&json!({"is_active": true}))).await;
        assert_eq!(response.status, status, "{tag}: {response:?}");
    }
    let null = ana.patch(&bank, json!({"name": null})).await;
    assert_eq!((null.status, field_errors(&null)), (400, vec!["name WRONG_TYPE".to_owned()]));
    let unknown = ana.get(&format!("{ACCOUNTS}/nothing")).await;
    assert!([400, 404].contains(&unknown.status), "{unknown:?}");
}
