//! The ledger stores which categories budgets reference.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fintrac_proto::budget::v1 as pb;

use crate::ledger::LedgerBehavior;
use crate::support::{Budgets, TestClient, rejection_of};

const OPEN: &str = "select count(*)::text from budget.category_reference_updates";

fn set(ids: &[&String]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).clone()).collect()
}

async fn delete(client: &TestClient, budget_id: &str) {
    let request = pb::DeleteBudgetRequest { budget_id: budget_id.into(), expected_version: None };
    client.user.call(client.budgets().delete_budget(request)).await.expect("deleted");
}

#[tokio::test]
async fn a_budget_references_the_categories_that_it_names() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let [food, fun, rent] = std::array::from_fn(|_| budgets.ledger.category("expense"));
    let budget = ana.budget(&food, "300", &[]).await;
    assert_eq!(budgets.ledger.references(&budget.id), set(&[&food]));

    let named = |ids: &[&String], expected_version| pb::UpdateBudgetRequest {
        budget_id: budget.id.clone(),
        category_ids: ids.iter().map(|id| (*id).clone()).collect(),
        expected_version,
        ..Default::default()
    };
    ana.change(named(&[&food, &fun], None), &["category_ids"]).await.expect("changed");
    assert_eq!(budgets.ledger.references(&budget.id), set(&[&food, &fun]));
    let rejected = ana.change(named(&[&rent], Some(1)), &["category_ids"]).await;
    assert_eq!(rejection_of(rejected).0, "VERSION_MISMATCH");
    assert_eq!(
        budgets.ledger.references(&budget.id),
        set(&[&food, &fun]),
        "a rejected change leaves nothing"
    );
    ana.change(named(&[&fun], None), &["category_ids"]).await.expect("changed");
    assert_eq!(budgets.ledger.references(&budget.id), set(&[&fun]));
    delete(&ana, &budget.id).await;
    assert_eq!(budgets.ledger.references(&budget.id), set(&[]));
    assert_eq!(budgets.texts(OPEN).await, ["0"]);
}

#[tokio::test]
async fn references_reach_the_ledger_after_an_outage() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let food = budgets.ledger.category("expense");
    let budget = ana.budget(&food, "300", &[]).await;
    budgets.ledger.set_behavior(LedgerBehavior::Unavailable);
    let rejected = ana.create(pb::CreateBudgetRequest {
        name: "Second".into(),
        amount: "5".into(),
        category_id: Some(food.clone()),
        frequency: "monthly".into(),
        ..Default::default()
    });
    assert_eq!(rejection_of(rejected.await).0, "UNAVAILABLE", "no budget is created without its references");
    delete(&ana, &budget.id).await;
    assert_eq!(budgets.texts(OPEN).await, ["2"]);
    assert_eq!(budgets.ledger.references(&budget.id), set(&[&food]));
    budgets.ledger.set_behavior(LedgerBehavior::Normal);
    budgets.advance(TimeDelta::minutes(2));
    budgets.wait_for(OPEN, &["0"]).await;
    assert_eq!(budgets.ledger.references(&budget.id), set(&[]));
}

#[tokio::test]
async fn concurrent_changes_end_with_the_references_of_the_last() {
    let budgets = Budgets::start().await;
    let second = budgets.replica().await;
    let ana = budgets.client();
    let other_client = second.connect(&ana);
    let [food, fun, rent] = std::array::from_fn(|_| budgets.ledger.category("expense"));
    let budget = ana.budget(&food, "300", &[]).await;
    let change = |id: &String| pb::UpdateBudgetRequest {
        budget_id: budget.id.clone(),
        category_ids: vec![id.clone()],
        ..Default::default()
    };
    for _ in 0..10 {
        let (one, other) = tokio::join!(
            ana.change(change(&fun), &["category_ids"]),
            other_client.change(change(&rent), &["category_ids"]),
        );
        one.expect("changed");
        other.expect("changed");
        let current = ana.get(&budget.id).await.expect("a budget").category_ids;
        assert_eq!(budgets.ledger.references(&budget.id), current.into_iter().collect());
    }
}

#[tokio::test]
async fn a_budget_follows_the_merge_of_its_category() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let [food, lunch, fun] = std::array::from_fn(|_| budgets.ledger.category("expense"));
    let budget = ana.budget(&lunch, "300", &[]).await;
    let change = pb::UpdateBudgetRequest {
        budget_id: budget.id.clone(),
        category_ids: vec![lunch.clone(), fun.clone(), food.clone()],
        ..Default::default()
    };
    let before = ana.change(change, &["category_ids"]).await.expect("changed");
    budgets.ledger.merge(ana.user.household_id, &lunch, &food);
    budgets.wait_for_events(1).await;
    let after = ana.get(&budget.id).await.expect("a budget");
    assert_eq!(after.category_ids, [food.clone(), fun.clone()]);
    assert_eq!(after.version, before.version + 1);
    let recorded = "select array_to_string(changed, ' ') from budget.events
        where entity = 'budget' and kind = 'updated' order by version";
    assert_eq!(budgets.texts(recorded).await, ["category_ids", "category_ids"]);

    let named = pb::UpdateBudgetRequest {
        budget_id: budget.id.clone(),
        category_ids: vec![lunch.clone()],
        ..Default::default()
    };
    let named = ana.change(named, &["category_ids"]).await.expect("a merged id is replaced by its target");
    assert_eq!(named.category_ids, [food]);
}
