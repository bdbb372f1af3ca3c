//! `/transactions/bulk`.

use fintrac_tests::system::System;
use serde_json::json;

use crate::support::{TRANSACTIONS, TestUser};

pub async fn bulk_operations(system: &System) {
    let ana = TestUser::new(system, "bulk@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "currency_code": "EUR"})).await;
    let path = format!("{TRANSACTIONS}/bulk");
    let income =
        |amount: &str| json!({"op": "create", "account_id": bank, "type": "income", "amount": amount});
    let invalid =
        ana.post(&path, json!({"mode": "atomic", "operations": [income("1"), income("0.001")]})).await;
    assert_eq!(invalid.status, 422, "{invalid:?}");
    let error = &invalid.body["errors"][0];
    assert_eq!(
        (error["field"].as_str(), error["code"].as_str()),
        (Some("operations[1].amount"), Some("AMOUNT_TOO_PRECISE"))
    );
    let malformed = json!({"mode": "atomic", "operations": [{"op": "delete", "id": "x", "amount": "1"}]});
    let malformed = ana.post(&path, malformed).await;
    assert_eq!(
        (malformed.status, malformed.body["errors"][0]["field"].as_str()),
        (400, Some("operations[0].amount"))
    );
    let wrong =
        ana.post(&path, json!({"mode": "atomic", "operations": [{"op": "create", "amount": []}]})).await;
    assert_eq!(
        (wrong.status, wrong.body["errors"][0]["field"].as_str()),
        (400, Some("operations[0].amount")),
        "{wrong:?}"
    );
    assert_eq!(ana.balance(&bank).await, "0.00");
    let some = ana
        .post(&path, json!({"mode": "partial", "operations": [income("1"), income("x"), income("2")]}))
        .await;
    let statuses: Vec<_> =
        some.body["results"].as_array().expect("results").iter().map(|item| item["status"].clone()).collect();
    assert_eq!((some.status, statuses), (200, vec![json!("created"), json!("refused"), json!("created")]));
    assert_eq!(some.body["results"][1]["errors"][0]["field"], "amount");
    let first = some.body["results"][0]["transaction"]["id"].as_str().expect("an id").to_owned();
    let last = some.body["results"][2]["transaction"]["id"].as_str().expect("an id").to_owned();
    let mixed = json!({"mode": "atomic", "operations": [
        {"op": "update", "id": first, "amount": 5, "description": null}, {"op": "delete", "id": last}, income("7")]});
    let mixed = ana.post(&path, mixed).await;
    assert_eq!(
        (mixed.status, mixed.body["results"][0]["transaction"]["amount"].as_str()),
        (200, Some("5.00")),
        "{mixed:?}"
    );
    assert_eq!(ana.balance(&bank).await, "12.00");
    // A thousand transactions with long notes: a larger body than other operations accept.
    let notes = "n".repeat(3000);
    let many: Vec<_> = (0..1000)
        .map(|_| json!({"op": "create", "account_id": bank, "type": "income", "amount": "1", "notes": notes}))
        .collect();
    let many = ana.post(&path, json!({"mode": "atomic", "operations": many})).await;
    assert_eq!((many.status, many.body["results"].as_array().map(Vec::len)), (200, Some(1000)));
    assert_eq!(ana.balance(&bank).await, "1012.00");
    let huge =
        json!({"mode": "atomic", "operations": [{"op": "create", "notes": "n".repeat(9 * 1024 * 1024)}]});
    assert_eq!(ana.post(&path, huge).await.code(), "PAYLOAD_TOO_LARGE");
}
