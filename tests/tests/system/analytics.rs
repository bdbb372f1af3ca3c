//! `/analytics`.

use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::json;

use crate::support::{TRANSACTIONS, TestUser};

pub async fn analytics_in_every_format(system: &System) {
    let ana = TestUser::new(system, "analytics@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "currency_code": "EUR"})).await;
    let (food, odd) = (ana.category("Food").await, ana.category("=<script>alert(1)</script>").await);
    for (kind, amount, category_id, day) in [
        ("income", "1000", None, "2026-07-01"),
        ("expense", "120", Some(&food), "2026-07-10"),
        ("expense", "80", Some(&odd), "2026-08-10"),
    ] {
        let body = json!({"account_id": bank, "type": kind, "amount": amount, "category_id": category_id,
            "transaction_date": day});
        assert_eq!(ana.post(TRANSACTIONS, body).await.status, 201);
    }
    let span = "from=2026-07-01&to=2026-08-31";
    let spending = ana.get(&format!("/api/v1/analytics/spending?{span}")).await;
    assert_eq!(
        (spending.status, spending.body["total"]["amount"].as_str()),
        (200, Some("200.00")),
        "{spending:?}"
    );
    assert_eq!(spending.body["data"][0]["name"], "Food");
    let flow = ana.get(&format!("/api/v1/analytics/cash-flow?{span}")).await;
    let cumulative: Vec<_> =
        flow.body["data"].as_array().expect("rows").iter().map(|item| item["cumulative"].clone()).collect();
    assert_eq!(cumulative, ["880.00", "800.00"]);
    let worth = ana.get(&format!("/api/v1/analytics/net-worth?{span}")).await;
    assert_eq!(worth.body["data"][1]["net_worth"]["amount"], "800.00", "{worth:?}");
    for name in ["spending", "income-expense", "categories", "cash-flow", "net-worth", "patterns"] {
        let file = async |format: &str| {
            let path = format!("/api/v1/analytics/{name}?{span}&format={format}");
            let request = ana.request(Method::GET, &path);
            system.client.page(request.header("accept-language", "de")).await
        };
        let (status, csv) = file("csv").await;
        assert!(status == 200 && csv.lines().count() > 1, "{name}: {csv}");
        assert!(!csv.contains(",=<") && !csv.contains("\n=<"), "an unescaped formula: {csv}");
        let (status, svg) = file("svg").await;
        assert!(status == 200 && svg.starts_with("<svg") && svg.contains("EUR"), "{name}: {svg}");
        assert!(!svg.contains("<script"), "{name} contains unescaped markup");
        assert_eq!(file("pdf").await.0, 400);
    }
}
