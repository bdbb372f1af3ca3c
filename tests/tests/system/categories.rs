//! `/categories`.

use fintrac_tests::system::System;
use serde_json::json;

use crate::support::{BUDGETS, TRANSACTIONS, TestUser};

const CATEGORIES: &str = "/api/v1/categories";

pub async fn a_household_starts_with_categories(system: &System) {
    let ana = TestUser::new(system, "first-categories@example.com").await;
    let categories = ana.list_all(&format!("{CATEGORIES}?page_size=7")).await;
    assert_eq!(
        (categories.len(), categories[0]["name"].as_str()),
        (20, Some("Sueldo")),
        "in the user's language"
    );
    assert!(categories.iter().any(|item| item["name"] == "Alimentación"));
}

pub async fn a_category_in_use_is_replaced(system: &System) {
    let ana = TestUser::new(system, "replaced@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "currency_code": "EUR"})).await;
    let (food, fun) = (ana.category("Food").await, ana.category("Fun").await);
    let body = json!({"account_id": bank, "type": "expense", "amount": 10,
        "splits": [{"category_id": food, "amount": 6.5}, {"category_id": fun, "amount": "3.50"}]});
    let split = format!("{TRANSACTIONS}/{}", ana.create(TRANSACTIONS, body).await);
    let whole = json!({"account_id": bank, "type": "expense", "amount": 1, "category_id": food});
    ana.create(TRANSACTIONS, whole).await;
    for category in [&food, &fun] {
        let used = ana.delete(&format!("{CATEGORIES}/{category}")).await;
        assert_eq!((used.status, used.code()), (409, "CATEGORY_IN_USE"));
    }
    assert_eq!(ana.delete(&format!("{CATEGORIES}/{fun}?move_to={food}")).await.status, 204);
    let now = ana.get(&split).await;
    let splits = now.body["splits"].as_array().expect("splits");
    assert!(splits.iter().all(|item| item["category_id"] == food.as_str()), "{splits:?}");
}

pub async fn a_budget_uses_its_category_until_deleted(system: &System) {
    let ana = TestUser::new(system, "budgeted-category@example.com").await;
    let gym = ana.category("Gym").await;
    let body = json!({"name": "Gym", "amount": 40, "category_id": gym, "frequency": "monthly"});
    let budget = ana.create(BUDGETS, body).await;
    let used = ana.delete(&format!("{CATEGORIES}/{gym}")).await;
    assert_eq!((used.status, used.code()), (409, "CATEGORY_IN_USE"));
    assert_eq!(ana.delete(&format!("{BUDGETS}/{budget}")).await.status, 204);
    assert_eq!(ana.delete(&format!("{CATEGORIES}/{gym}")).await.status, 204);
}
