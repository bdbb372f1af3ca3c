//! `/transactions/export`.

use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TRANSACTIONS, TestUser};

pub async fn transactions_are_exported(system: &System) {
    let ana = TestUser::new(system, "export@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "currency_code": "EUR"})).await;
    for (amount, description) in [("1.00", "=HYPERLINK(\"http://evil\")"), ("2.00", "plain, \"quoted\"")] {
        let body = json!({"account_id": bank, "type": "expense", "amount": amount, "description": description,
            "transaction_date": "2026-08-01"});
        assert_eq!(ana.post(TRANSACTIONS, body).await.status, 201);
    }
    let file = async |query: &str| {
        let path = format!("{TRANSACTIONS}/export?sort=amount&{query}");
        let request = ana.request(Method::GET, &path);
        system.client.page(request).await
    };
    let (status, csv) = file("format=CSV").await;
    let lines: Vec<_> = csv.split("\r\n").collect();
    assert_eq!((status, lines.len()), (200, 4), "{csv}");
    assert!(lines[0].starts_with("id,transaction_date,type,status,account_id,account,"), "{csv}");
    assert!(lines[1].contains(",\"'=HYPERLINK(\"\"http://evil\"\")\","), "{csv}");
    assert!(lines[2].contains(",Bank,") && lines[2].contains("\"plain, \"\"quoted\"\"\""), "{csv}");
    let (_, document) = file("format=json").await;
    let rows: Vec<Value> = serde_json::from_str(&document).expect("one array");
    assert_eq!(rows.iter().map(|item| item["amount"].clone()).collect::<Vec<_>>(), ["1.00", "2.00"]);
    let (_, lines) = file("format=ndjson&min_amount=2").await;
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!((rows.len(), rows[0]["description"].as_str()), (1, Some("plain, \"quoted\"")));
    assert_eq!(file("format=xml").await.0, 400);
    assert_eq!(file("min_amount=x").await.0, 400, "rejected before the file starts");
}
