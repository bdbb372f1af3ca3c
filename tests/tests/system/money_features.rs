//! Tests splits, search, bulk requests, exports, rules and analytics over REST.

use std::time::Duration;

use fintrac_tests::system::System;
use serde_json::{Value, json};

use crate::money::TestUser;

const TRANSACTIONS: &str = "/api/v1/transactions";

async fn category(user: &TestUser<'_>, name: &str) -> String {
    let made = user.post("/api/v1/categories", json!({"name": name, "type": "expense"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.text("id")
}

async fn bank(user: &TestUser<'_>) -> String {
    user.account(json!({"name": "Bank", "account_type": "bank", "currency_code": "EUR"})).await
}

pub async fn splits_search_and_restore(system: &System) {
    let ana = TestUser::new(system, "splits@example.com").await;
    let (bank, food, fun) = (bank(&ana).await, category(&ana, "Food").await, category(&ana, "Fun").await);
    let body = json!({"account_id": bank, "type": "expense", "amount": 10, "description": "Café & cinéma",
        "tags": ["date"], "transaction_date": "2026-08-31",
        "splits": [{"category_id": food, "amount": 6.5}, {"category_id": fun, "amount": "3.50", "description": "Tickets"}]});
    let made = ana.post(TRANSACTIONS, body.clone()).await;
    assert_eq!(
        (made.status, made.body["splits"][1]["description"].as_str()),
        (201, Some("Tickets")),
        "{made:?}"
    );
    let path = format!("{TRANSACTIONS}/{}", made.text("id"));
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

    assert_eq!(ana.delete(&format!("/api/v1/categories/{fun}")).await.code(), "CATEGORY_IN_USE");
    assert_eq!(ana.delete(&format!("/api/v1/categories/{fun}?move_to={food}")).await.status, 204);
    let now = ana.get(&path).await;
    assert!(
        now.body["splits"]
            .as_array()
            .expect("splits")
            .iter()
            .all(|item| item["category_id"] == food.as_str())
    );

    // A category that only a budget uses is in use until the budget is deleted.
    let gym = category(&ana, "Gym").await;
    let body = json!({"name": "Gym", "amount": 40, "category_id": gym, "frequency": "monthly"});
    let budget = ana.post("/api/v1/budgets", body).await.text("id");
    let used = ana.delete(&format!("/api/v1/categories/{gym}")).await;
    assert_eq!((used.status, used.code()), (409, "CATEGORY_IN_USE"));
    assert_eq!(ana.delete(&format!("/api/v1/budgets/{budget}")).await.status, 204);
    assert_eq!(ana.delete(&format!("/api/v1/categories/{gym}")).await.status, 204);

    let balance = format!("/api/v1/accounts/{bank}/balance");
    assert_eq!(ana.get(&format!("{balance}?date=2026-08-31")).await.text("balance"), "-10.00");
    assert_eq!(ana.get(&format!("{balance}?date=2026-08-30")).await.text("balance"), "0.00");
    let history =
        format!("/api/v1/accounts/{bank}/balance-history?from=2026-08-30&to=2026-09-01&interval=day");
    let history = ana.get(&history).await;
    let closing: Vec<_> =
        history.body["data"].as_array().expect("days").iter().map(|item| item["balance"].clone()).collect();
    assert_eq!(closing, ["0.00", "-10.00", "-10.00"]);

    assert_eq!(ana.delete(&path).await.status, 204);
    assert_eq!(ana.balance(&bank).await, "0.00");
    let restored = ana.post(&format!("{path}/restore"), Value::Null).await;
    assert_eq!((restored.status, restored.text("status").as_str()), (200, "posted"), "{restored:?}");
    assert_eq!(restored.headers["etag"], "\"3\"");
    let kinds: Vec<_> =
        ana.list_all(&format!("{path}/history")).await.iter().map(|item| item["kind"].clone()).collect();
    assert_eq!(kinds, ["created", "voided", "restored"]);
}

pub async fn bulk_operations(system: &System) {
    let ana = TestUser::new(system, "bulk@example.com").await;
    let bank = bank(&ana).await;
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

pub async fn transactions_are_exported(system: &System) {
    let ana = TestUser::new(system, "export@example.com").await;
    let bank = bank(&ana).await;
    for (amount, description) in [("1.00", "=HYPERLINK(\"http://evil\")"), ("2.00", "plain, \"quoted\"")] {
        let body = json!({"account_id": bank, "type": "expense", "amount": amount, "description": description,
            "transaction_date": "2026-08-01"});
        assert_eq!(ana.post(TRANSACTIONS, body).await.status, 201);
    }
    let file = async |query: &str| {
        let path = format!("{TRANSACTIONS}/export?sort=amount&{query}");
        let request = system.client.request(reqwest::Method::GET, &path).bearer_auth(ana.token());
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

pub async fn recurring_and_large_transactions(system: &System) {
    let ana = TestUser::new(system, "again@example.com").await;
    ana.move_to_noon().await;
    let bank = bank(&ana).await;
    let limit = ana
        .patch("/api/v1/users/me/preferences", json!({"large_transaction_limit": "500", "locale": "en"}))
        .await;
    assert_eq!(limit.status, 200, "{limit:?}");
    let rent = json!({"account_id": bank, "type": "expense", "amount": "900", "description": "Rent",
        "recurring": {"frequency": "monthly"}});
    let first = ana.post(TRANSACTIONS, rent).await;
    assert_eq!(first.status, 201, "{first:?}");
    let path = format!("{TRANSACTIONS}/recurring/{}", first.text("recurring_id"));
    let rule = ana.get(&path).await;
    assert_eq!((rule.status, rule.text("status").as_str()), (200, "active"));
    assert_eq!(rule.body["preview"].as_array().map(Vec::len), Some(10));
    let message = system.mailbox.wait("large_transaction", "again@example.com").await;
    assert!(message.text.contains("900.00") && message.text.contains("500.00"), "{}", message.text);

    let daily = json!({"account_id": bank, "type": "income", "amount": "1", "description": "Interest",
        "rrule": "FREQ=DAILY;COUNT=3"});
    let daily = ana.post(&format!("{TRANSACTIONS}/recurring"), daily).await;
    assert_eq!(daily.status, 201, "{daily:?}");
    let notified = async {
        loop {
            let inbox = ana.list_all("/api/v1/notifications").await;
            if inbox
                .iter()
                .any(|item| item["kind"] == "recurring_posted" && item["entity_id"] == daily.body["id"])
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), notified).await.expect("a notification");
    assert_eq!(ana.balance(&bank).await, "-899.00");
    let daily = format!("{TRANSACTIONS}/recurring/{}", daily.text("id"));
    assert_eq!(ana.post(&format!("{daily}/pause"), Value::Null).await.text("status"), "paused");
    assert_eq!(ana.post(&format!("{daily}/resume"), Value::Null).await.text("status"), "active");
    assert_eq!(ana.post(&format!("{daily}/skip"), Value::Null).await.status, 200);
    let changed = ana.patch(&daily, json!({"amount": "2", "count": null, "rrule": "FREQ=WEEKLY"})).await;
    assert_eq!((changed.status, changed.text("rrule").as_str()), (200, "FREQ=WEEKLY"), "{changed:?}");
    let invalid = ana.patch(&daily, json!({"rrule": "FREQ=HOURLY", "weekend": "never"})).await;
    let fields: Vec<_> =
        invalid.body["errors"].as_array().expect("errors").iter().map(|item| item["field"].clone()).collect();
    assert_eq!((invalid.status, fields), (422, vec![json!("weekend"), json!("rrule")]));
    assert_eq!(ana.delete(&daily).await.status, 204);
    assert_eq!(ana.get(&daily).await.status, 404);

    // Closing an account pauses its recurring transactions and notifies the user.
    assert_eq!(ana.delete(&format!("/api/v1/accounts/{bank}?with_balance=true")).await.status, 204);
    assert_eq!(ana.get(&path).await.text("paused_reason"), "ACCOUNT_CLOSED");
    let message = system.mailbox.wait("recurring_failed", "again@example.com").await;
    assert!(message.text.contains("archived or deleted"), "{}", message.text);
}

pub async fn analytics_in_every_format(system: &System) {
    let ana = TestUser::new(system, "analytics@example.com").await;
    let bank = bank(&ana).await;
    let (food, odd) = (category(&ana, "Food").await, category(&ana, "=<script>alert(1)</script>").await);
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
            let request = system.client.request(reqwest::Method::GET, &path).bearer_auth(ana.token());
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
    let denied = system.client.request(reqwest::Method::PUT, "/api/v1/admin/exchange-rates");
    let denied =
        denied.bearer_auth(ana.token()).json(&json!({"base": "EUR", "currency_code": "CHF", "rate": "1"}));
    assert_eq!(system.client.send(denied).await.code(), "PERMISSION_DENIED");
}
