//! Monthly reports as JSON and HTML.

use chrono::Datelike as _;
use fintrac_tests::system::System;
use kit_core::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestUser;

const REPORTS: &str = "/api/v1/reports";

pub async fn a_monthly_report(system: &System) {
    let ana = TestUser::new(system, "reported@example.com").await;
    // At noon in the user's time zone, the date is the same as in UTC.
    let today = Clock::System.now().date_naive();
    ana.move_to_noon().await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "balance": "1000"})).await;
    let categories = ana.get("/api/v1/categories?type=expense&page_size=2").await.body["data"].clone();
    let spend = async |amount: &str, category: &Value, description: &str| {
        let body = json!({"account_id": bank, "type": "expense", "amount": amount, "category_id": category["id"],
            "description": description});
        assert_eq!(ana.post("/api/v1/transactions", body).await.status, 201);
    };
    spend("300", &categories[0], "Rent <script>").await;
    spend("100", &categories[1], "Food").await;
    let income = json!({"account_id": bank, "type": "income", "amount": "2000"});
    assert_eq!(ana.post("/api/v1/transactions", income).await.status, 201);
    let budget =
        json!({"name": "Home", "amount": "250", "category_id": categories[0]["id"], "frequency": "monthly"});
    assert_eq!(ana.post("/api/v1/budgets", budget).await.status, 201);
    assert_eq!(ana.post("/api/v1/goals", json!({"name": "Boat", "target_amount": "50"})).await.status, 201);

    let month = format!("{}-{:02}", today.year(), today.month());
    let report = ana.get(&format!("{REPORTS}/monthly/{month}")).await;
    assert_eq!(report.status, 200, "{report:?}");
    let field = |name: &str| report.text(name);
    assert_eq!([field("income"), field("expense"), field("net")], ["2000.00", "400.00", "1600.00"]);
    assert_eq!([field("net_worth_before"), field("net_worth")], ["0.00", "2600.00"]);
    assert_eq!(field("from"), format!("{month}-01"));
    let list = |name: &str| report.body[name].as_array().expect("a list").clone();
    let amounts: Vec<_> =
        list("categories").iter().map(|item| (item["amount"].clone(), item["share"].clone())).collect();
    assert_eq!(amounts, [(json!("300.00"), json!("75.0")), (json!("100.00"), json!("25.0"))]);
    assert!(list("intervals").len() >= 28, "one interval per day");
    assert_eq!(list("largest")[0]["description"], "Rent <script>");
    assert_eq!(
        (list("budgets")[0]["status"].clone(), list("budgets")[0]["percent"].clone()),
        (json!("exceeded"), json!("120.00"))
    );
    assert_eq!(list("goals")[0]["name"], "Boat");
    let days = ana.get(&format!("{REPORTS}?from={today}&to={today}")).await;
    assert_eq!(
        (days.text("expense").as_str(), days.body["intervals"].as_array().map(Vec::len)),
        ("400.00", Some(1))
    );

    let request = system.client.request(Method::GET, &format!("{REPORTS}/monthly/{month}?format=html"));
    let request = request.bearer_auth(ana.token()).header("accept-language", "fr");
    let (status, page) = system.client.page(request).await;
    assert!(status == 200 && page.contains("<html lang=\"fr\">") && page.contains("Rapport"), "{page}");
    assert!(page.contains("400,00 "), "amounts in French format: {page}");
    assert_eq!(page.matches("<svg").count(), 2, "cash flow and categories");
    assert!(
        !page.contains("<script") && page.contains("Rent &#60;script&#62;"),
        "the description is escaped"
    );

    for (path, field) in [
        ("/monthly/2026-13", "month"),
        ("/monthly/x", "month"),
        ("/monthly/2026-10?format=pdf", "format"),
        ("?from=2026-10-02&to=2026-10-01", "to"),
        ("?from=soon", "from"),
        ("?from=2026-10-01&to=", "to"),
    ] {
        let invalid = ana.get(&format!("{REPORTS}{path}")).await;
        assert_eq!(
            (invalid.status, invalid.body["errors"][0]["field"].as_str()),
            (400, Some(field)),
            "{path}"
        );
    }
    // The report of the first valid month has no day before it.
    assert_eq!(ana.get(&format!("{REPORTS}/monthly/1900-01")).await.status, 200);
    let bob = TestUser::new(system, "unreported@example.com").await;
    let empty = bob.get(&format!("{REPORTS}/monthly/{month}")).await;
    assert_eq!(
        (empty.text("expense").as_str(), empty.body["budgets"].as_array().map(Vec::len)),
        ("0.00", Some(0))
    );
}
