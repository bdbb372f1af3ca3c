//! Contributions that move money: each with its transfer, or absent with it.

use chrono::TimeDelta;
use fintrac_proto::budget::v1 as pb;

use crate::ledger::Mood;
use crate::support::{Budgets, Person, why};

const STATES: &str = "select state from budget.contributions order by id";

async fn with_goal() -> (Budgets, Person, String, String) {
    let budgets = Budgets::start().await;
    let ana = budgets.person();
    let (bank, savings) = (budgets.ledger.account("EUR"), budgets.ledger.account("EUR"));
    let goal = ana.goal("100", Some(&savings)).await;
    (budgets, ana, goal.id, bank)
}

async fn current(ana: &Person, goal: &str) -> String {
    ana.get_goal(goal).await.expect("there").current_amount
}

#[tokio::test]
async fn money_moves_and_counts() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let contribution = ana.contribute(&goal, "30", Some(&bank)).await.expect("contributed");
    assert_eq!((contribution.status.as_str(), contribution.amount.as_str()), ("done", "30.00"));
    assert_eq!(contribution.transaction_id.as_deref(), Some(contribution.id.as_str()));
    assert_eq!(contribution.account_id.as_deref(), Some(bank.as_str()));
    assert_eq!(budgets.ledger.transfers(), [("posted", "30.00".to_owned())]);
    assert_eq!(current(&ana, &goal).await, "30.00");
    assert_eq!(budgets.told().await, ["goal_milestone"]);
    assert_eq!(ana.contributions(&goal).await, [contribution]);
    let same = ana.get_goal(&goal).await.expect("there").account_id.expect("an account");
    assert_eq!(why(ana.contribute(&goal, "1", Some(&same)).await).1, ["account_id SAME_ACCOUNT"]);
}

#[tokio::test]
async fn what_the_ledger_refuses_never_was() {
    let (budgets, ana, goal, bank) = with_goal().await;
    budgets.ledger.set(Mood::Refuses);
    let refused = ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await;
    assert_eq!(why(refused), ("VALIDATION_FAILED".into(), vec!["goal.account_id ACCOUNT_CLOSED".into()]));
    assert!(ana.contributions(&goal).await.is_empty());
    assert_eq!(current(&ana, &goal).await, "0.00");
    budgets.ledger.set(Mood::Works);
    let (_, replayed) =
        ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await.expect("the key is free");
    assert!(!replayed);
    // The refused one is asked about once more, found to be nothing, and left alone.
    budgets.pass(TimeDelta::minutes(1));
    budgets.until("select count(due_at)::text from budget.contributions", &["0"]).await;
    assert_eq!(
        budgets.texts("select state from budget.contributions order by state").await,
        ["done", "refused"]
    );
    assert_eq!(current(&ana, &goal).await, "30.00");
}

#[tokio::test]
async fn nobody_is_told_that_a_refused_contribution_was_made() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let other = budgets.replica().await;
    let people = [ana.clone(), other.greet(&ana)];
    budgets.ledger.set(Mood::Refuses);
    let twins = (0..20).map(|at| people[at % 2].contribute_once(&goal, "5", Some(&bank), Some("twins")));
    for answer in futures::future::join_all(twins).await {
        assert!(["VALIDATION_FAILED", "UNAVAILABLE"].contains(&why(answer).0.as_str()));
    }
    assert!(ana.contributions(&goal).await.is_empty());
    budgets.ledger.set(Mood::Works);
    let (_, replayed) = ana.contribute_once(&goal, "5", Some(&bank), Some("twins")).await.expect("made");
    assert!(!replayed, "the key is free");
    assert_eq!(budgets.ledger.transfers().len(), 1);
}

#[tokio::test]
async fn a_refused_contribution_whose_transfer_was_made_after_all_counts() {
    let (budgets, ana, goal, bank) = with_goal().await;
    budgets.ledger.set(Mood::Refuses);
    assert_eq!(why(ana.contribute(&goal, "30", Some(&bank)).await).0, "VALIDATION_FAILED");
    let id = budgets.texts("select id::text from budget.contributions").await;
    budgets.ledger.arrive(&id[0], "30.00");
    budgets.pass(TimeDelta::minutes(1));
    budgets.until(STATES, &["done"]).await;
    assert_eq!(current(&ana, &goal).await, "30.00");
    assert_eq!(ana.contributions(&goal).await.len(), 1);
}

#[tokio::test]
async fn everything_wrong_is_named_at_once_and_nothing_is_written() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let unknown = uuid::Uuid::from_u128(1).to_string();
    let refused = why(ana.contribute(&goal, "-1", Some(&unknown)).await);
    assert_eq!(refused.1, ["amount AMOUNT_NOT_POSITIVE", "account_id ACCOUNT_UNKNOWN"]);
    budgets.ledger.archive(&bank);
    assert_eq!(why(ana.contribute(&goal, "1", Some(&bank)).await).1, ["account_id ACCOUNT_CLOSED"]);
    assert_eq!(budgets.texts("select id::text from budget.contributions").await, Vec::<String>::new());
}

#[tokio::test]
async fn what_nobody_confirmed_is_finished_later_and_once() {
    for mood in [Mood::OutOfReach, Mood::LosesAnswers] {
        let (budgets, ana, goal, bank) = with_goal().await;
        budgets.ledger.set(mood);
        let open = ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await;
        assert_eq!(why(open).0, "UNAVAILABLE", "{mood:?}");
        let listed = ana.contributions(&goal).await;
        assert_eq!((listed.len(), listed[0].status.as_str()), (1, "pending"));
        assert_eq!(current(&ana, &goal).await, "0.00");
        budgets.ledger.set(Mood::Works);
        budgets.pass(TimeDelta::days(2));
        budgets.until(STATES, &["done"]).await;
        assert_eq!(current(&ana, &goal).await, "30.00");
        assert_eq!(budgets.ledger.transfers().len(), 1, "{mood:?}");
        assert_eq!(budgets.ledger.dates().last().map(String::as_str), Some("2026-09-22"), "when it was made");
        let (kept, replayed) =
            ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await.expect("kept");
        assert!(replayed && kept.status == "done");
        assert_eq!(current(&ana, &goal).await, "30.00");
    }
}

#[tokio::test]
async fn a_repeated_request_goes_on_where_the_first_one_stopped() {
    let (budgets, ana, goal, bank) = with_goal().await;
    budgets.ledger.set(Mood::LosesAnswers);
    let open = ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await;
    assert_eq!(why(open).0, "UNAVAILABLE");
    budgets.ledger.set(Mood::Works);
    let (kept, replayed) = ana.contribute_once(&goal, "30", Some(&bank), Some("a-key")).await.expect("done");
    assert!(replayed && kept.status == "done");
    assert_eq!(current(&ana, &goal).await, "30.00", "no need to wait for the worker");
    assert_eq!(budgets.ledger.transfers().len(), 1);
    let other = ana.contribute_once(&goal, "31", Some(&bank), Some("a-key")).await;
    assert_eq!(why(other).0, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_key_is_one_contribution_however_often_it_comes() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let other = budgets.replica().await;
    let people = [ana.clone(), other.greet(&ana)];
    let twins =
        (0..20).map(|number| people[number % 2].contribute_once(&goal, "5", Some(&bank), Some("twins")));
    let answers = futures::future::join_all(twins).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.expect("an answer").0).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
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
    budgets.until(amount, &["6000"]).await;
    assert_eq!(ana.get_goal(&goal).await.expect("there").status, "active");
    assert_eq!(ana.contributions(&goal).await[0].amount, "60.00");
    budgets.ledger.edit(household, &contribution.id, "voided", "0.00");
    budgets.until(amount, &["0"]).await;
    assert_eq!(ana.contributions(&goal).await[0].status, "voided");
    budgets.ledger.edit(household, &contribution.id, "posted", "100.00");
    budgets.until(amount, &["10000"]).await;
    assert_eq!(budgets.told().await, ["goal_reached"], "once, whatever happens to the transfer");
    // Somebody else's transaction of the same id is nothing to us.
    budgets.ledger.tell(
        budgets.person().user.household_id,
        contribution.id.parse().expect("an id"),
        "voided",
    );
    budgets.settled(4).await;
    assert_eq!(current(&ana, &goal).await, "100.00");
}

#[tokio::test]
async fn an_edit_while_the_ledger_is_asked_is_not_missed() {
    let (budgets, ana, goal, bank) = with_goal().await;
    let household = ana.user.household_id;
    let contribution = ana.contribute(&goal, "50", Some(&bank)).await.expect("contributed");
    budgets.ledger.hold_answers();
    budgets.ledger.edit(household, &contribution.id, "posted", "60.00");
    budgets.ledger.held().await;
    // The answer says 60; this comes after it.
    budgets.ledger.edit(household, &contribution.id, "posted", "70.00");
    budgets.until("select news::text from budget.contributions", &["2"]).await;
    budgets.ledger.send_answers();
    budgets.until("select current_amount::text from budget.goals", &["7000"]).await;
    budgets.until("select count(due_at)::text from budget.contributions", &["0"]).await;
}

#[tokio::test]
async fn a_deleted_goal_still_gets_what_was_on_its_way_and_says_nothing() {
    let (budgets, ana, goal, bank) = with_goal().await;
    budgets.ledger.set(Mood::OutOfReach);
    assert_eq!(why(ana.contribute(&goal, "100", Some(&bank)).await).0, "UNAVAILABLE");
    let delete = pb::DeleteGoalRequest { goal_id: goal, if_version: None };
    ana.user.call(ana.goals().delete_goal(delete)).await.expect("deleted");
    budgets.ledger.set(Mood::Works);
    budgets.pass(TimeDelta::seconds(10));
    budgets.until(STATES, &["done"]).await;
    assert_eq!(budgets.ledger.transfers().len(), 1);
    assert!(budgets.told().await.is_empty());
}

#[tokio::test]
async fn money_is_taken_back() {
    let (budgets, ana, goal, bank) = with_goal().await;
    ana.contribute(&goal, "100", Some(&bank)).await.expect("contributed");
    budgets.pass(TimeDelta::seconds(1));
    let withdrawal = ana.withdraw(&goal, "30", Some(&bank)).await.expect("withdrawn");
    assert_eq!((withdrawal.direction.as_str(), withdrawal.amount.as_str()), ("withdrawal", "30.00"));
    assert_eq!((withdrawal.status.as_str(), withdrawal.account_id.as_deref()), ("done", Some(bank.as_str())));
    let mut transfers = budgets.ledger.transfers();
    transfers.sort();
    assert_eq!(transfers, [("posted", "-30.00".to_owned()), ("posted", "100.00".to_owned())]);
    assert_eq!(current(&ana, &goal).await, "70.00");
    assert_eq!(ana.get_goal(&goal).await.expect("there").status, "active");
    budgets.pass(TimeDelta::seconds(1));
    ana.withdraw(&goal, "20", None).await.expect("no longer earmarked");
    let refused = why(ana.withdraw(&goal, "50.01", None).await);
    assert_eq!(refused, ("VALIDATION_FAILED".into(), vec!["amount GOAL_AMOUNT_EXCEEDED".into()]));
    assert_eq!(current(&ana, &goal).await, "50.00");

    // An edit in the ledger corrects it, and voiding it brings the money back.
    let household = ana.user.household_id;
    budgets.ledger.edit(household, &withdrawal.id, "posted", "-40.00");
    let amount = "select current_amount::text from budget.goals";
    budgets.until(amount, &["4000"]).await;
    budgets.ledger.edit(household, &withdrawal.id, "voided", "0.00");
    budgets.until(amount, &["8000"]).await;
    let states: Vec<_> =
        ana.contributions(&goal).await.into_iter().map(|it| (it.direction, it.status)).collect();
    let row = |direction: &str, status: &str| (direction.to_owned(), status.to_owned());
    assert_eq!(states, [row("withdrawal", "done"), row("withdrawal", "voided"), row("contribution", "done")]);
}

#[tokio::test]
async fn what_is_on_its_way_out_cannot_be_taken_twice() {
    let (budgets, ana, goal, bank) = with_goal().await;
    ana.contribute(&goal, "100", None).await.expect("set aside");
    budgets.ledger.set(Mood::OutOfReach);
    assert_eq!(why(ana.withdraw(&goal, "80", Some(&bank)).await).0, "UNAVAILABLE");
    assert_eq!(current(&ana, &goal).await, "100.00");
    assert_eq!(why(ana.withdraw(&goal, "20.01", None).await).1, ["amount GOAL_AMOUNT_EXCEEDED"]);
    ana.withdraw(&goal, "20", None).await.expect("the rest");
    budgets.ledger.set(Mood::Refuses);
    budgets.pass(TimeDelta::seconds(20));
    budgets.until("select state from budget.contributions where amount = 8000", &["refused"]).await;
    ana.withdraw(&goal, "80", None).await.expect("it is free again");
    assert_eq!(current(&ana, &goal).await, "0.00");
}

#[tokio::test]
async fn twenty_withdrawals_at_once_take_no_more_than_is_there() {
    let (budgets, ana, goal, bank) = with_goal().await;
    ana.contribute(&goal, "50", None).await.expect("set aside");
    let other = budgets.replica().await;
    let people = [ana.clone(), other.greet(&ana)];
    let all = (0..20).map(|at| people[at % 2].withdraw(&goal, "10", (at % 4 < 2).then_some(bank.as_str())));
    let answers = futures::future::join_all(all).await;
    assert_eq!(answers.iter().filter(|it| it.is_ok()).count(), 5);
    assert_eq!(current(&ana, &goal).await, "0.00");
}

#[tokio::test]
async fn nothing_is_set_aside_for_a_cancelled_goal() {
    let (budgets, ana, goal, _bank) = with_goal().await;
    ana.contribute(&goal, "10", None).await.expect("set aside");
    let to = |status: &str| pb::UpdateGoalRequest {
        goal_id: goal.clone(),
        status: Some(status.into()),
        ..Default::default()
    };
    let cancelled = ana.change_goal(to("cancelled"), &["status"]).await.expect("cancelled");
    assert_eq!((cancelled.status.as_str(), cancelled.version), ("cancelled", 2));
    assert_eq!(why(ana.contribute(&goal, "90", None).await).0, "GOAL_CANCELLED");
    ana.withdraw(&goal, "5", None).await.expect("what is there can be taken back");
    let bad = why(ana.change_goal(to("completed"), &["status"]).await);
    assert_eq!(bad.1, ["status GOAL_STATUS_INVALID"]);
    let again = ana.change_goal(to("active"), &["status"]).await.expect("taken up again");
    assert_eq!(again.status, "active");
    ana.contribute(&goal, "95", None).await.expect("set aside");
    assert_eq!(budgets.told().await, ["goal_reached"]);
}
