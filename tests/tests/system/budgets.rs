//! `/budgets`.

use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::budget_service_client::BudgetServiceClient;
use fintrac_tests::system::System;
use serde_json::{Value, json};
use tonic::Code;

use crate::support::{BUDGETS, TRANSACTIONS, TestUser, channel, eventually, field_errors, with_token};

async fn spend(user: &TestUser<'_>, account: &str, category: &str, amount: &str) -> String {
    let body = json!({"account_id": account, "type": "expense", "amount": amount, "category_id": category});
    user.create(TRANSACTIONS, body).await
}

/// A budget passes 80% and 100%: two emails, and no third.
pub async fn alerts_fire_once_per_threshold(system: &System) {
    let email = "budgeted@example.com";
    let ana = TestUser::new(system, email).await;
    ana.move_to_noon().await;
    let bank = json!({"name": "Bank", "account_type": "bank", "currency_code": "USD", "balance": "3000"});
    let bank = ana.account(bank).await;
    let card = json!({"name": "Card", "account_type": "card", "currency_code": "EUR", "balance": "850"});
    let card = ana.account(card).await;
    let food = ana.category("Comida").await;
    let fruit = json!({"name": "Fruta", "type": "expense", "parent_id": food});
    let fruit = ana.create("/api/v1/categories", fruit).await;

    let budget = json!({"name": "Comida", "amount": "100", "category_id": food, "frequency": "monthly"});
    let response = ana.post(BUDGETS, budget).await;
    assert_eq!(
        (response.status, response.headers["etag"].to_str().ok()),
        (201, Some("\"1\"")),
        "{response:?}"
    );
    let budget = format!("{BUDGETS}/{}", response.text("id"));
    assert_eq!(response.headers["location"], budget);
    // An evaluation covers all budgets of a household, so this budget's alert shows that it ran.
    let witness = json!({"name": "Testigo", "amount": "1", "category_ids": [food, fruit],
        "frequency": "yearly", "alert_thresholds": []});
    let witness = format!("{BUDGETS}/{}", ana.create(BUDGETS, witness).await);
    let progress = async || ana.get(&format!("{budget}/progress")).await;
    let emails = |kind: &str| system.mailbox.subjects(kind, email);
    spend(&ana, &card, &food, "79.99").await;
    let early = progress().await;
    assert_eq!((early.text("percent").as_str(), early.text("status").as_str()), ("79.99", "on_track"));
    spend(&ana, &card, &fruit, "0.01").await;
    system.mailbox.wait("budget_threshold", email).await;
    assert_eq!(emails("budget_threshold"), ["Comida: 80 % del presupuesto gastado"]);
    let expensive = spend(&ana, &card, &food, "20.00").await;
    system.mailbox.wait("budget_exceeded", email).await;
    assert_eq!(progress().await.text("status"), "exceeded");
    // A back-dated edit brings it below the limit, then it is exceeded again: no second alert.
    let last_year = json!({"transaction_date": "2025-06-01"});
    assert_eq!(ana.patch(&format!("{TRANSACTIONS}/{expensive}"), last_year).await.status, 200);
    let under = progress().await;
    assert_eq!(
        ["spent", "remaining", "status"].map(|name| under.text(name)),
        ["80.00", "20.00", "warning"].map(str::to_owned)
    );
    spend(&ana, &card, &food, "45.00").await;
    let dollars = spend(&ana, &bank, &food, "10.00").await;
    let dollars = ana.get(&format!("{TRANSACTIONS}/{dollars}")).await.text("household_amount");
    let cents = |text: &str| text.replace('.', "").parse::<i64>().expect("an amount");
    let spent = progress().await.text("spent");
    assert_eq!(cents(&spent), 12_500 + cents(&dollars), "the pinned household amount counts");
    assert_eq!(ana.patch(&witness, json!({"alert_thresholds": [1000]})).await.status, 200);
    eventually("the alert of the other budget", async || emails("budget_exceeded").len() == 2).await;
    let mut exceeded = emails("budget_exceeded");
    exceeded.sort();
    assert_eq!(exceeded, ["Comida: presupuesto agotado (100 %)", "Testigo: presupuesto agotado (1000 %)"]);
    assert_eq!(emails("budget_threshold").len(), 1);
    assert_eq!(ana.inbox("").await, ["budget_exceeded", "budget_exceeded", "budget_threshold", "welcome"]);
    assert_eq!(ana.delete(&budget).await.status, 204);
    assert_eq!(ana.list_all(BUDGETS).await.len(), 1);
}

pub async fn other_households_see_nothing(system: &System) {
    let ana = TestUser::new(system, "private-budget@example.com").await;
    let food = ana.category("Food").await;
    let food = json!({"name": "x", "amount": "1", "category_id": food, "frequency": "weekly"});
    let budget = format!("{BUDGETS}/{}", ana.create(BUDGETS, food.clone()).await);
    let bob = TestUser::new(system, "curious-budget@example.com").await;
    for path in [&budget, &format!("{budget}/progress")] {
        assert_eq!(bob.get(path).await.status, 404, "{path}");
    }
    assert_eq!(bob.patch(&budget, json!({"name": "Mine"})).await.status, 404);
    assert_eq!(bob.delete(&budget).await.status, 404);
    let rejected = bob.post(BUDGETS, food).await;
    assert_eq!(
        (rejected.status, field_errors(&rejected)),
        (422, vec!["category_id CATEGORY_NOT_FOUND".to_owned()])
    );
    assert!(bob.list_all(BUDGETS).await.is_empty());
}

pub async fn every_invalid_field_is_named(system: &System) {
    let ana = TestUser::new(system, "wrong-budget@example.com").await;
    let food = ana.list_all("/api/v1/categories?type=expense").await[0]["id"].clone();
    let good = json!({"name": "Food", "amount": 100, "category_id": food, "frequency": "weekly"});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, status, expected) in [
        (
            json!({}),
            422,
            &["name REQUIRED", "amount REQUIRED", "category_id REQUIRED", "frequency REQUIRED"][..],
        ),
        (with("amount", json!("1e3")), 422, &["amount AMOUNT_INVALID"]),
        (with("amount", json!(true)), 400, &["amount WRONG_TYPE"]),
        (with("frequency", json!("daily")), 422, &["frequency FREQUENCY_INVALID"]),
        (with("alert_thresholds", json!([0])), 422, &["alert_thresholds[0] THRESHOLD_INVALID"]),
        (with("alert_thresholds", json!("80")), 400, &["alert_thresholds WRONG_TYPE"]),
        (with("category_ids", json!([food])), 422, &["category_id CONFLICTING"]),
        (with("end_date", json!("2020-01-01")), 422, &["end_date DATE_TOO_EARLY"]),
        (with("rollover", json!("some")), 422, &["rollover ROLLOVER_INVALID"]),
        (with("rollovers", json!("none")), 400, &["rollovers UNKNOWN_FIELD"]),
    ] {
        let response = ana.post(BUDGETS, body.clone()).await;
        assert_eq!(response.status, status, "{body}");
        assert_eq!(field_errors(&response), expected, "{body}");
    }
    let budget = format!("{BUDGETS}/{}", ana.create(BUDGETS, good.clone()).await);
    for (body, status, expected) in [
        (json!({"name": null}), 400, "name WRONG_TYPE"),
        (json!({"frequency": "monthly"}), 422, "frequency FIELD_IMMUTABLE"),
        (json!({"currency_code": "USD"}), 422, "currency_code CURRENCY_IMMUTABLE"),
    ] {
        let response = ana.patch(&budget, body).await;
        assert_eq!((response.status, field_errors(&response)), (status, vec![expected.to_owned()]));
    }
    let progress = ana.get(&format!("{budget}/progress?date=x")).await;
    assert_eq!(field_errors(&progress), ["date PARAMETER_INVALID"]);
}

pub async fn clients_read_budgets_by_grpc(system: &System) {
    let ana = TestUser::new(system, "grpc-budget@example.com").await;
    let food = ana.list_all("/api/v1/categories?type=expense").await[0]["id"].clone();
    let body = json!({"name": "Food", "amount": 100, "category_id": food, "frequency": "weekly"});
    let budget_id = ana.create(BUDGETS, body).await;
    let mut client = BudgetServiceClient::new(channel(&system.budget_grpc).await);
    let request = with_token(ana.token(), pb::GetBudgetRequest { budget_id: budget_id.clone() });
    let budget = client.get_budget(request).await.expect("the budget").into_inner().budget.expect("a budget");
    assert_eq!((budget.id, budget.amount.as_str()), (budget_id.clone(), "100.00"));
    let anonymous = client.get_budget(pb::GetBudgetRequest { budget_id }).await.expect_err("no token");
    assert_eq!(anonymous.code(), Code::Unauthenticated);
}
