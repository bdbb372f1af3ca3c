//! Splits of a transaction, and search.

use fintrac_tests::system::System;
use serde_json::json;

use crate::support::{TRANSACTIONS, TestUser};

pub async fn split_transactions_are_found(system: &System) {
    let ana = TestUser::new(system, "splits@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "currency_code": "EUR"})).await;
    let (food, fun) = (ana.category("Food").await, ana.category("Fun").await);
    let body = json!({"account_id": bank, "type": "expense", "amount": 10, "description": "Café & cinéma",
        "tags": ["date"], "transaction_date": "2026-08-31",
        "splits": [{"category_id": food, "amount": 6.5}, {"category_id": fun, "amount": "3.50", "description": "Tickets"}]});
    let made = ana.post(TRANSACTIONS, body.clone()).await;
    assert_eq!(
        (made.status, made.body["splits"][1]["description"].as_str()),
        (201, Some("Tickets")),
        "{made:?}"
    );
    for (query, number) in [
        ("q=CINEMA", 1),
        ("q=caf%C3%A9%20cine", 1),
        ("q=ema", 0),
        ("tag=date", 1),
        ("tag=dat", 0),
        ("sort=-amount&q=cafe&tag=date", 1),
    ] {
        assert_eq!(ana.list_all(&format!("{TRANSACTIONS}?{query}")).await.len(), number, "{query}");
    }
    assert_eq!(ana.list_all(&format!("{TRANSACTIONS}?category_id={fun}")).await.len(), 1);
    let mut bad = body;
    bad["splits"][0]["amount"] = json!("1");
    let mismatch = ana.post(TRANSACTIONS, bad).await;
    assert_eq!(
        (mismatch.status, mismatch.body["errors"][0]["code"].as_str()),
        (422, Some("SPLITS_SUM_MISMATCH"))
    );
}
