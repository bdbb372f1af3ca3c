//! Contributions that move money: each is done exactly if its transfer is posted.

use chrono::TimeDelta;
use fintrac_proto::budget::v1 as pb;

use crate::ledger::LedgerBehavior;
use crate::support::{Budgets, TestClient, rejection_of};

const STATES: &str = "select state from budget.contributions order by id";

async fn with_goal() -> (Budgets, TestClient, String, String) {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let (bank, savings) = (budgets.ledger.account("EUR"), budgets.ledger.account("EUR"));
    let goal = ana.goal("100", Some(&savings)).await;
    (budgets, ana, goal.id, bank)
}

async fn current(ana: &TestClient, goal: &str) -> String {
    ana.get_goal(goal).await.expect("there").current_amount
}

#[tokio::test]
async fn a_contribution_moves_money_and_counts() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let contribution = ana.contribute(&goal, "30", Some(&bank)).await.expect("contributed");
    assert_eq!((contribution.status.as_str(), contribution.amount.as_str()), ("done", "30.00"));
    assert_eq!(contribution.transaction_id.as_deref(), Some(contribution.id.as_str()));
    assert_eq!(contribution.account_id.as_deref(), Some(bank.as_str()));
    assert_eq!(budgets.ledger.transfers(), [("posted", "30.00".to_owned())]);
    assert_eq!(current(&ana, &goal).await, "30.00");
    assert_eq!(budgets.notification_events().await, ["goal_milestone"]);
    assert_eq!(ana.contributions(&goal).await, [contribution]);
    let same = ana.get_goal(&goal).await.expect("there").account_id.expect("an account");
    assert_eq!(rejection_of(ana.contribute(&goal, "1", Some(&same)).await).1, ["account_id SAME_ACCOUNT"]);
}

#[tokio::test]
async fn a_contribution_that_the_ledger_rejects_leaves_nothing() {
    let (budgets, ana, goal, bank) = with_goal().await;
    budgets.ledger.set_behavior(LedgerBehavior::Rejects);
    let rejected = ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await;
    assert_eq!(
        rejection_of(rejected),
        ("VALIDATION_FAILED".into(), vec!["goal.account_id ACCOUNT_CLOSED".into()])
    );
    assert!(ana.contributions(&goal).await.is_empty());
    assert_eq!(current(&ana, &goal).await, "0.00");
    budgets.ledger.set_behavior(LedgerBehavior::Normal);
    let (_, replayed) =
        ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await.expect("the key is free");
    assert!(!replayed);
    // The rejected one is read once more, does not exist in the ledger, and is done with.
    budgets.advance(TimeDelta::minutes(1));
    budgets.wait_for("select count(*)::text from budget.jobs where queue = 'goal-transfers'", &["0"]).await;
    assert_eq!(
        budgets.texts("select state from budget.contributions order by state").await,
        ["done", "rejected"]
    );
    assert_eq!(current(&ana, &goal).await, "30.00");
}

#[tokio::test]
async fn no_duplicate_reports_a_rejected_contribution_as_made() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let other = budgets.replica().await;
    let clients = [ana.clone(), other.connect(&ana)];
    budgets.ledger.set_behavior(LedgerBehavior::Rejects);
    let duplicates = (0..20)
        .map(|number| clients[number % 2].contribute_once(&goal, "5", Some(&bank), Some("duplicates")));
    for response in futures::future::join_all(duplicates).await {
        assert!(["VALIDATION_FAILED", "UNAVAILABLE"].contains(&rejection_of(response).0.as_str()));
    }
    assert!(ana.contributions(&goal).await.is_empty());
    budgets.ledger.set_behavior(LedgerBehavior::Normal);
    let (_, replayed) =
        ana.contribute_once(&goal, "5", Some(&bank), Some("duplicates")).await.expect("created");
    assert!(!replayed, "the key is free");
    assert_eq!(budgets.ledger.transfers().len(), 1);
}

#[tokio::test]
async fn a_rejected_contribution_whose_transfer_was_made_counts() {
    let (budgets, ana, goal, bank) = with_goal().await;
    budgets.ledger.set_behavior(LedgerBehavior::Rejects);
    assert_eq!(rejection_of(ana.contribute(&goal, "30", Some(&bank)).await).0, "VALIDATION_FAILED");
    let id = budgets.texts("select id::text from budget.contributions").await;
    budgets.ledger.arrive(&id[0], "30.00");
    budgets.advance(TimeDelta::minutes(1));
    budgets.wait_for(STATES, &["done"]).await;
    assert_eq!(current(&ana, &goal).await, "30.00");
    assert_eq!(ana.contributions(&goal).await.len(), 1);
}

#[tokio::test]
async fn all_violations_are_reported_at_once_and_nothing_is_stored() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let unknown = uuid::Uuid::from_u128(1).to_string();
    let rejected = rejection_of(ana.contribute(&goal, "-1", Some(&unknown)).await);
    assert_eq!(rejected.1, ["amount AMOUNT_NOT_POSITIVE", "account_id ACCOUNT_NOT_FOUND"]);
    budgets.ledger.archive(&bank);
    assert_eq!(rejection_of(ana.contribute(&goal, "1", Some(&bank)).await).1, ["account_id ACCOUNT_CLOSED"]);
    assert_eq!(budgets.texts("select id::text from budget.contributions").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_unconfirmed_contribution_is_finished_later_and_once() {
    for behavior in [LedgerBehavior::Unavailable, LedgerBehavior::LosesResponses] {
        let (budgets, ana, goal, bank) = with_goal().await;
        budgets.ledger.set_behavior(behavior);
        let open = ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await;
        assert_eq!(rejection_of(open).0, "UNAVAILABLE", "{behavior:?}");
        let listed = ana.contributions(&goal).await;
        assert_eq!((listed.len(), listed[0].status.as_str()), (1, "pending"));
        assert_eq!(current(&ana, &goal).await, "0.00");
        budgets.ledger.set_behavior(LedgerBehavior::Normal);
        budgets.advance(TimeDelta::days(2));
        budgets.wait_for(STATES, &["done"]).await;
        assert_eq!(current(&ana, &goal).await, "30.00");
        assert_eq!(budgets.ledger.transfers().len(), 1, "{behavior:?}");
        assert_eq!(
            budgets.ledger.dates().last().map(String::as_str),
            Some("2026-09-22"),
            "the day of the request"
        );
        let (kept, replayed) =
            ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await.expect("replayed");
        assert!(replayed && kept.status == "done");
        assert_eq!(current(&ana, &goal).await, "30.00");
    }
}

#[tokio::test]
async fn a_repeated_request_continues_the_first_one() {
    let (budgets, ana, goal, bank) = with_goal().await;
    budgets.ledger.set_behavior(LedgerBehavior::LosesResponses);
    let open = ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await;
    assert_eq!(rejection_of(open).0, "UNAVAILABLE");
    budgets.ledger.set_behavior(LedgerBehavior::Normal);
    let (kept, replayed) = ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await.expect("done");
    assert!(replayed && kept.status == "done");
    assert_eq!(current(&ana, &goal).await, "30.00", "no need to wait for the worker");
    assert_eq!(budgets.ledger.transfers().len(), 1);
    let other = ana.contribute_once(&goal, "31", Some(&bank), Some("a-key")).await;
    assert_eq!(rejection_of(other).0, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_key_makes_one_contribution_however_often_it_is_sent() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let other = budgets.replica().await;
    let clients = [ana.clone(), other.connect(&ana)];
    let duplicates = (0..20)
        .map(|number| clients[number % 2].contribute_once(&goal, "5", Some(&bank), Some("duplicates")));
    let responses = futures::future::join_all(duplicates).await;
    let responses: Vec<_> = responses.into_iter().map(|response| response.expect("a response").0).collect();
    assert!(responses.iter().all(|response| *response == responses[0]));
    assert_eq!(current(&ana, &goal).await, "5.00");
    assert_eq!(budgets.ledger.transfers().len(), 1);
}

#[tokio::test]
async fn a_void_or_an_edit_in_the_ledger_corrects_the_goal() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let household = ana.user.household_id;
    let contribution = ana.contribute(&goal, "100", Some(&bank)).await.expect("contributed");
    assert_eq!(ana.get_goal(&goal).await.expect("there").status, "completed");
    let amount = "select current_amount::text from budget.goals";
    budgets.ledger.edit(household, &contribution.id, "posted", "60.00");
    budgets.wait_for(amount, &["6000"]).await;
    assert_eq!(ana.get_goal(&goal).await.expect("there").status, "active");
    assert_eq!(ana.contributions(&goal).await[0].amount, "60.00");
    budgets.ledger.edit(household, &contribution.id, "voided", "0.00");
    budgets.wait_for(amount, &["0"]).await;
    assert_eq!(ana.contributions(&goal).await[0].status, "voided");
    budgets.ledger.edit(household, &contribution.id, "posted", "100.00");
    budgets.wait_for(amount, &["10000"]).await;
    assert_eq!(
        budgets.notification_events().await,
        ["goal_reached"],
        "once, however often the transfer changes"
    );
    // A transaction of another household with the same id has no effect.
    budgets.ledger.append_event(
        budgets.client().user.household_id,
        contribution.id.parse().expect("an id"),
        "voided",
    );
    budgets.wait_for_events(4).await;
    assert_eq!(current(&ana, &goal).await, "100.00");
}

#[tokio::test]
async fn an_edit_during_a_call_to_the_ledger_is_not_missed() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let household = ana.user.household_id;
    let contribution = ana.contribute(&goal, "50", Some(&bank)).await.expect("contributed");
    budgets.ledger.hold_responses();
    budgets.ledger.edit(household, &contribution.id, "posted", "60.00");
    budgets.ledger.wait_until_held().await;
    // The response has 60; this edit comes after it.
    budgets.ledger.edit(household, &contribution.id, "posted", "70.00");
    let requested = "select (rerun_at is not null)::text from budget.jobs where queue = 'goal-transfers'";
    budgets.wait_for(requested, &["true"]).await;
    budgets.ledger.release_responses();
    budgets.wait_for("select current_amount::text from budget.goals", &["7000"]).await;
    budgets.wait_for("select count(*)::text from budget.jobs where queue = 'goal-transfers'", &["0"]).await;
}

#[tokio::test]
async fn a_deleted_goal_receives_pending_money_without_notifying() {
    let (budgets, ana, goal, bank) = with_goal().await;
    budgets.ledger.set_behavior(LedgerBehavior::Unavailable);
    assert_eq!(rejection_of(ana.contribute(&goal, "100", Some(&bank)).await).0, "UNAVAILABLE");
    let delete = pb::DeleteGoalRequest { goal_id: goal, expected_version: None };
    ana.user.call(ana.goals().delete_goal(delete)).await.expect("deleted");
    budgets.ledger.set_behavior(LedgerBehavior::Normal);
    budgets.advance(TimeDelta::seconds(10));
    budgets.wait_for(STATES, &["done"]).await;
    assert_eq!(budgets.ledger.transfers().len(), 1);
    assert!(budgets.notification_events().await.is_empty());
}

#[tokio::test]
async fn a_withdrawal_moves_money_back() {
    let (budgets, ana, goal, bank) = with_goal().await;
    ana.contribute(&goal, "100", Some(&bank)).await.expect("contributed");
    budgets.advance(TimeDelta::seconds(1));
    let withdrawal = ana.withdraw(&goal, "30", Some(&bank)).await.expect("withdrawn");
    assert_eq!((withdrawal.direction.as_str(), withdrawal.amount.as_str()), ("withdrawal", "30.00"));
    assert_eq!((withdrawal.status.as_str(), withdrawal.account_id.as_deref()), ("done", Some(bank.as_str())));
    let mut transfers = budgets.ledger.transfers();
    transfers.sort();
    assert_eq!(transfers, [("posted", "-30.00".to_owned()), ("posted", "100.00".to_owned())]);
    assert_eq!(current(&ana, &goal).await, "70.00");
    assert_eq!(ana.get_goal(&goal).await.expect("there").status, "active");
    budgets.advance(TimeDelta::seconds(1));
    ana.withdraw(&goal, "20", None).await.expect("no longer earmarked");
    let rejected = rejection_of(ana.withdraw(&goal, "50.01", None).await);
    assert_eq!(rejected, ("VALIDATION_FAILED".into(), vec!["amount GOAL_AMOUNT_EXCEEDED".into()]));
    assert_eq!(current(&ana, &goal).await, "50.00");

    // An edit in the ledger corrects the withdrawal, and a void returns the money.
    let household = ana.user.household_id;
    budgets.ledger.edit(household, &withdrawal.id, "posted", "-40.00");
    let amount = "select current_amount::text from budget.goals";
    budgets.wait_for(amount, &["4000"]).await;
    budgets.ledger.edit(household, &withdrawal.id, "voided", "0.00");
    budgets.wait_for(amount, &["8000"]).await;
    let states: Vec<_> = ana
        .contributions(&goal)
        .await
        .into_iter()
        .map(|contribution| (contribution.direction, contribution.status))
        .collect();
    let row = |direction: &str, status: &str| (direction.to_owned(), status.to_owned());
    assert_eq!(states, [row("withdrawal", "done"), row("withdrawal", "voided"), row("contribution", "done")]);
}

#[tokio::test]
async fn a_pending_withdrawal_cannot_be_withdrawn_twice() {
    let (budgets, ana, goal, bank) = with_goal().await;
    ana.contribute(&goal, "100", None).await.expect("set aside");
    budgets.ledger.set_behavior(LedgerBehavior::Unavailable);
    assert_eq!(rejection_of(ana.withdraw(&goal, "80", Some(&bank)).await).0, "UNAVAILABLE");
    assert_eq!(current(&ana, &goal).await, "100.00");
    assert_eq!(rejection_of(ana.withdraw(&goal, "20.01", None).await).1, ["amount GOAL_AMOUNT_EXCEEDED"]);
    ana.withdraw(&goal, "20", None).await.expect("the rest");
    budgets.ledger.set_behavior(LedgerBehavior::Rejects);
    budgets.advance(TimeDelta::seconds(20));
    budgets.wait_for("select state from budget.contributions where amount = 8000", &["rejected"]).await;
    ana.withdraw(&goal, "80", None).await.expect("the amount is available again");
    assert_eq!(current(&ana, &goal).await, "0.00");
}

#[tokio::test]
async fn twenty_concurrent_withdrawals_take_no_more_than_is_set_aside() {
    let (budgets, ana, goal, bank) = with_goal().await;
    ana.contribute(&goal, "50", None).await.expect("set aside");
    let other = budgets.replica().await;
    let clients = [ana.clone(), other.connect(&ana)];
    let all = (0..20)
        .map(|number| clients[number % 2].withdraw(&goal, "10", (number % 4 < 2).then_some(bank.as_str())));
    let responses = futures::future::join_all(all).await;
    assert_eq!(responses.iter().filter(|response| response.is_ok()).count(), 5);
    assert_eq!(current(&ana, &goal).await, "0.00");
}

#[tokio::test]
async fn a_cancelled_goal_accepts_no_contributions() {
    let (budgets, ana, goal, _bank) = with_goal().await;
    ana.contribute(&goal, "10", None).await.expect("set aside");
    let to = |status: &str| pb::UpdateGoalRequest {
        goal_id: goal.clone(),
        status: Some(status.into()),
        ..Default::default()
    };
    let cancelled = ana.change_goal(to("cancelled"), &["status"]).await.expect("cancelled");
    assert_eq!((cancelled.status.as_str(), cancelled.version), ("cancelled", 2));
    assert_eq!(rejection_of(ana.contribute(&goal, "90", None).await).0, "GOAL_CANCELLED");
    ana.withdraw(&goal, "5", None).await.expect("withdrawals stay possible");
    let bad = rejection_of(ana.change_goal(to("completed"), &["status"]).await);
    assert_eq!(bad.1, ["status GOAL_STATUS_INVALID"]);
    let again = ana.change_goal(to("active"), &["status"]).await.expect("reactivated");
    assert_eq!(again.status, "active");
    ana.contribute(&goal, "95", None).await.expect("set aside");
    assert_eq!(budgets.notification_events().await, ["goal_reached"]);
}
