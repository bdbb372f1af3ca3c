//! Alerts fire, and each fires once.

use std::time::Duration;

use chrono::TimeDelta;
use fintrac_proto::budget::v1 as pb;

use crate::ledger::LedgerBehavior;
use crate::support::{Budgets, TestClient};

const FIRED: &str = "select threshold || (case when is_notified then '!' else '' end)
                     from budget.alerts order by amount, period_start, threshold";

async fn with_budget(thresholds: &[i32]) -> (Budgets, TestClient, String, pb::Budget) {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let category = budgets.ledger.category("expense");
    let budget = ana.budget(&category, "100", thresholds).await;
    budgets.wait_for_events(0).await;
    (budgets, ana, category, budget)
}

#[tokio::test]
async fn each_threshold_fires_once_when_it_is_reached() {
    let (budgets, ana, category, budget) = with_budget(&[80, 100]).await;
    let household = ana.user.household_id;
    budgets.ledger.spend(household, &category, "2026-09-22", 7_999);
    budgets.wait_for_events(1).await;
    assert!(budgets.notification_events().await.is_empty(), "one cent below the threshold");
    budgets.ledger.spend(household, &category, "2026-09-01", 1);
    budgets.wait_for(FIRED, &["80!"]).await;
    budgets.ledger.spend(household, &category, "2026-09-30", 1_000);
    budgets.wait_for_events(3).await;
    assert_eq!(budgets.notification_events().await, ["budget_threshold"]);
    budgets.ledger.spend(household, &category, "2026-09-22", 1_000);
    budgets.wait_for(FIRED, &["80!", "100!"]).await;
    // The spending is reverted and repeated: both thresholds have fired before.
    budgets.ledger.spend(household, &category, "2026-09-22", -5_000);
    budgets.wait_for_events(5).await;
    budgets.ledger.spend(household, &category, "2026-09-22", 9_000);
    budgets.wait_for_events(6).await;
    assert_eq!(budgets.notification_events().await, ["budget_threshold", "budget_exceeded"]);

    let alert = budgets.texts("select id::text from budget.alerts where threshold = 80").await;
    let request =
        pb::GetBudgetAlertRequest { household_id: household.to_string(), alert_id: alert[0].clone() };
    let data =
        budgets.notification_data().get_budget_alert(request.clone()).await.expect("data").into_inner();
    assert_eq!((data.budget_id, data.budget_name.as_str()), (budget.id.clone(), "Food"));
    assert_eq!((data.spent.as_str(), data.budgeted.as_str(), data.threshold), ("80.00", "100.00", 80));
    assert_eq!((data.period_start.as_str(), data.period_end.as_str()), ("2026-09-01", "2026-09-30"));
    let other_household = pb::GetBudgetAlertRequest { household_id: budget.id.clone(), ..request.clone() };
    assert!(
        budgets.notification_data().get_budget_alert(other_household).await.is_err(),
        "not for another household"
    );
    let delete = pb::DeleteBudgetRequest { budget_id: budget.id, expected_version: None };
    ana.user.call(ana.budgets().delete_budget(delete)).await.expect("deleted");
    let deleted =
        budgets.notification_data().get_budget_alert(request).await.expect_err("deleted with its budget");
    assert_eq!(deleted.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn an_alert_lists_amounts_without_a_rate() {
    let (budgets, ana, category, _) = with_budget(&[80]).await;
    budgets.ledger.leave_unpriced(&category, "2026-09-10", "NZD", "117.00");
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-22", 8_000);
    budgets.wait_for(FIRED, &["80!"]).await;
    let alert_id = budgets.texts("select id::text from budget.alerts").await.remove(0);
    let request = pb::GetBudgetAlertRequest { household_id: ana.user.household_id.to_string(), alert_id };
    let data = budgets.notification_data().get_budget_alert(request).await.expect("data").into_inner();
    let unpriced: Vec<_> =
        data.unpriced.iter().map(|entry| (entry.currency_code.as_str(), entry.amount.as_str())).collect();
    assert_eq!((data.spent.as_str(), unpriced), ("80.00", vec![("NZD", "117.00")]));
}

#[tokio::test]
async fn only_the_highest_threshold_reached_at_once_notifies() {
    let (budgets, ana, category, _) = with_budget(&[50, 80, 100, 120]).await;
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-22", 11_000);
    budgets.wait_for(FIRED, &["50", "80", "100!"]).await;
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-22", 1_000);
    budgets.wait_for(FIRED, &["50", "80", "100!", "120!"]).await;
    assert_eq!(budgets.notification_events().await, ["budget_exceeded", "budget_exceeded"]);
}

#[tokio::test]
async fn another_limit_is_another_alert() {
    let (budgets, ana, category, budget) = with_budget(&[80]).await;
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-22", 8_000);
    budgets.wait_for(FIRED, &["80!"]).await;
    ana.set_amount(&budget.id, "200").await;
    budgets.wait_for_events(1).await;
    assert_eq!(budgets.notification_events().await.len(), 1, "40 percent is below the threshold");
    ana.set_amount(&budget.id, "90").await;
    budgets.wait_for(FIRED, &["80!", "80!"]).await;
    ana.set_amount(&budget.id, "100").await;
    budgets.wait_for_events(1).await;
    assert_eq!(budgets.notification_events().await.len(), 2, "the alert of this limit fired before");
}

#[tokio::test]
async fn a_new_budget_is_evaluated_at_once() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let category = budgets.ledger.category("expense");
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-02", 8_500);
    ana.budget(&category, "100", &[80]).await;
    budgets.wait_for(FIRED, &["80!"]).await;
}

#[tokio::test]
async fn only_the_current_period_fires_even_without_events() {
    let (budgets, ana, category, _) = with_budget(&[80]).await;
    let household = ana.user.household_id;
    budgets.ledger.spend(household, &category, "2026-08-31", 50_000);
    budgets.ledger.spend(household, &category, "2026-10-01", 8_000);
    budgets.wait_for_events(2).await;
    assert!(budgets.notification_events().await.is_empty(), "neither the previous period nor the next one");
    // In Madrid it is October already; the daily check evaluates the new period.
    let to_october = "2026-09-30T22:00:01Z".parse::<chrono::DateTime<chrono::Utc>>().expect("an instant");
    budgets.advance(to_october - budgets.clock.now());
    // A job that is due runs when a replica starts, else when it is polled next.
    let _replica = budgets.replica().await;
    budgets.wait_for(FIRED, &["80!"]).await;
    let period = budgets.texts("select period_start::text from budget.alerts").await;
    assert_eq!(period, ["2026-10-01"]);
}

#[tokio::test]
async fn two_replicas_fire_once() {
    let budgets = Budgets::start().await;
    let _other = budgets.replica().await;
    let clients: Vec<_> = (0..10).map(|_| budgets.client()).collect();
    let category = budgets.ledger.category("expense");
    for client in &clients {
        client.budget(&category, "1", &[10, 50, 100]).await;
    }
    let mut events = 0;
    for round in 0..20 {
        for client in &clients {
            budgets.ledger.spend(client.user.household_id, &category, "2026-09-22", 10 + round);
            events += 1;
        }
    }
    budgets.wait_for_events(events).await;
    let count = budgets.texts("select count(*)::text from budget.alerts").await;
    assert_eq!(count, ["30"], "ten budgets, three thresholds each");
    let recorded = "select entity_id::text from budget.events where entity = 'alert' order by entity_id";
    let messages = "select id::text from budget.alerts where is_notified order by id";
    assert_eq!(budgets.texts(recorded).await, budgets.texts(messages).await);
    let highest = "select count(*)::text from budget.alerts where is_notified and threshold = 100";
    assert_eq!(budgets.texts(highest).await, ["10"]);
}

#[tokio::test]
async fn an_outage_of_the_ledger_delays_and_loses_nothing() {
    let (budgets, ana, category, _) = with_budget(&[80]).await;
    budgets.ledger.set_behavior(LedgerBehavior::Unavailable);
    let sums = budgets.ledger.sums();
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-22", 8_000);
    budgets
        .wait_for(
            "select (lease_id is null)::text from budget.jobs where queue = 'budget-evaluations'
             and last_error <> '' and run_at > (select max(occurred_at) from budget.events)",
            &["true"],
        )
        .await;
    assert!(budgets.ledger.sums() > sums && budgets.notification_events().await.is_empty());
    budgets.ledger.set_behavior(LedgerBehavior::Normal);
    budgets.advance(TimeDelta::seconds(1));
    budgets.wait_for(FIRED, &["80!"]).await;
}

#[tokio::test]
async fn a_final_rejection_is_not_retried() {
    let (budgets, ana, category, _) = with_budget(&[80]).await;
    budgets.ledger.set_behavior(LedgerBehavior::Overflows);
    let sums = budgets.ledger.sums();
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-22", 8_000);
    let rejected = async {
        while budgets.ledger.sums() == sums {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), rejected).await.expect("the ledger is called");
    // The evaluation is given up: it is not due again.
    let failed = "select (failed_at is not null)::text from budget.jobs where queue = 'budget-evaluations'";
    budgets.wait_for(failed, &["true"]).await;
    assert!(budgets.notification_events().await.is_empty());
    // The next change is evaluated as usual.
    budgets.ledger.set_behavior(LedgerBehavior::Normal);
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-22", 1);
    budgets.wait_for(FIRED, &["80!"]).await;
}

#[tokio::test]
async fn an_evaluation_whose_process_died_is_taken_over() {
    let (budgets, ana, category, _) = with_budget(&[80]).await;
    // Another process has leased the evaluation and died.
    let lease = format!(
        "insert into budget.jobs (queue, key, run_at, lease_id, leased_until)
         values ('budget-evaluations', '{}', to_timestamp({now}), gen_random_uuid(), to_timestamp({now} + 4))",
        ana.user.household_id,
        now = budgets.clock.now().timestamp(),
    );
    sqlx::query(sqlx::AssertSqlSafe(lease)).execute(&budgets.pool).await.expect("leased");
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-22", 8_000);
    let requested = "select (rerun_at is not null)::text from budget.jobs where queue = 'budget-evaluations'";
    budgets.wait_for(requested, &["true"]).await;
    assert!(budgets.notification_events().await.is_empty());
    budgets.advance(TimeDelta::seconds(4));
    budgets.wait_for(FIRED, &["80!"]).await;
    budgets.wait_for_events(1).await;
}

#[tokio::test]
async fn a_change_during_an_evaluation_is_evaluated_again() {
    let (budgets, ana, category, _) = with_budget(&[80]).await;
    let household = ana.user.household_id;
    budgets.ledger.hold_responses();
    budgets.ledger.spend(household, &category, "2026-09-22", 7_999);
    budgets.ledger.wait_until_held().await;
    // The sum is computed already; this spending is not in it.
    budgets.ledger.spend(household, &category, "2026-09-22", 1);
    budgets.wait_for("select position::text from budget.event_cursors where source = 'ledger'", &["2"]).await;
    budgets.ledger.release_responses();
    budgets.wait_for(FIRED, &["80!"]).await;
    budgets.wait_for_events(2).await;
}

#[tokio::test]
async fn a_limit_that_changed_during_an_evaluation_does_not_fire() {
    let (budgets, ana, category, budget) = with_budget(&[80]).await;
    budgets.ledger.hold_responses();
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-22", 8_000);
    budgets.ledger.wait_until_held().await;
    ana.set_amount(&budget.id, "1000").await;
    budgets.ledger.release_responses();
    budgets.wait_for_events(1).await;
    assert!(budgets.notification_events().await.is_empty(), "8 percent of the limit in force");
}
