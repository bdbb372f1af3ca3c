//! The ledger knows which categories budgets name.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fintrac_proto::budget::v1 as pb;

use crate::ledger::Mood;
use crate::support::{Budgets, Person, why};

const OPEN: &str = "select count(*)::text from budget.category_reference_updates";

fn set(ids: &[&String]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).clone()).collect()
}

async fn delete(person: &Person, budget_id: &str) {
    let request = pb::DeleteBudgetRequest { budget_id: budget_id.into(), if_version: None };
    person.user.call(person.budgets().delete_budget(request)).await.expect("deleted");
}

#[tokio::test]
async fn a_budget_references_the_categories_that_it_names() {
    let budgets = Budgets::start().await;
    let ana = budgets.person();
    let [food, fun, rent] = std::array::from_fn(|_| budgets.ledger.category("expense"));
    let budget = ana.budget(&food, "300", &[]).await;
    assert_eq!(budgets.ledger.references(&budget.id), set(&[&food]));

    let named = |ids: &[&String], if_version| pb::UpdateBudgetRequest {
        budget_id: budget.id.clone(),
        category_ids: ids.iter().map(|id| (*id).clone()).collect(),
        if_version,
        ..Default::default()
    };
    ana.change(named(&[&food, &fun], None), &["category_ids"]).await.expect("changed");
    assert_eq!(budgets.ledger.references(&budget.id), set(&[&food, &fun]));
    let refused = ana.change(named(&[&rent], Some(1)), &["category_ids"]).await;
    assert_eq!(why(refused).0, "VERSION_MISMATCH");
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
async fn what_the_ledger_was_not_told_it_is_told_later() {
    let budgets = Budgets::start().await;
    let ana = budgets.person();
    let food = budgets.ledger.category("expense");
    let budget = ana.budget(&food, "300", &[]).await;
    budgets.ledger.set(Mood::OutOfReach);
    let refused = ana.create(pb::CreateBudgetRequest {
        name: "Second".into(),
        amount: "5".into(),
        category_id: Some(food.clone()),
        frequency: "monthly".into(),
        ..Default::default()
    });
    assert_eq!(why(refused.await).0, "UNAVAILABLE", "no budget names what the ledger does not keep for it");
    delete(&ana, &budget.id).await;
    assert_eq!(budgets.texts(OPEN).await, ["2"]);
    assert_eq!(budgets.ledger.references(&budget.id), set(&[&food]));
    budgets.ledger.set(Mood::Works);
    budgets.pass(TimeDelta::minutes(2));
    budgets.until(OPEN, &["0"]).await;
    assert_eq!(budgets.ledger.references(&budget.id), set(&[]));
}

#[tokio::test]
async fn changes_at_once_end_with_the_references_of_the_last() {
    let budgets = Budgets::start().await;
    let second = budgets.replica().await;
    let ana = budgets.person();
    let there = second.greet(&ana);
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
            there.change(change(&rent), &["category_ids"]),
        );
        one.expect("changed");
        other.expect("changed");
        let standing = ana.get(&budget.id).await.expect("a budget").category_ids;
        assert_eq!(budgets.ledger.references(&budget.id), standing.into_iter().collect());
    }
}

#[tokio::test]
async fn a_budget_follows_the_merge_of_its_category() {
    let budgets = Budgets::start().await;
    let ana = budgets.person();
    let [food, lunch, fun] = std::array::from_fn(|_| budgets.ledger.category("expense"));
    let budget = ana.budget(&lunch, "300", &[]).await;
    let change = pb::UpdateBudgetRequest {
        budget_id: budget.id.clone(),
        category_ids: vec![lunch.clone(), fun.clone(), food.clone()],
        ..Default::default()
    };
    let before = ana.change(change, &["category_ids"]).await.expect("changed");
    budgets.ledger.merge(ana.user.household_id, &lunch, &food);
    budgets.settled(1).await;
    let after = ana.get(&budget.id).await.expect("a budget");
    assert_eq!(after.category_ids, [food.clone(), fun.clone()]);
    assert_eq!(after.version, before.version + 1);
    let told = "select array_to_string(changed, ' ') from budget.events
        where entity = 'budget' and kind = 'updated' order by version";
    assert_eq!(budgets.texts(told).await, ["category_ids", "category_ids"]);

    let named = pb::UpdateBudgetRequest {
        budget_id: budget.id.clone(),
        category_ids: vec![lunch.clone()],
        ..Default::default()
    };
    let named = ana.change(named, &["category_ids"]).await.expect("an old id stands for the new one");
    assert_eq!(named.category_ids, [food]);
}
