//! Creating, reading, updating and deleting goals, milestones and reminders.

use chrono::TimeDelta;
use fintrac_proto::budget::v1 as pb;
use uuid::Uuid;

use crate::ledger::LedgerBehavior;
use crate::support::{Budgets, TestClient, rejection_of};

const REACHED: &str = "select percent || (case when is_notified then '!' else '' end)
                       from budget.milestones order by percent::int";

async fn list_all(client: &TestClient) -> Vec<pb::Goal> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListGoalsRequest { page_size: Some(2), page_token };
        let page = client.user.call(client.goals().list_goals(request)).await.expect("a page").into_inner();
        rows.extend(page.goals);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return rows;
        }
    }
}

#[tokio::test]
async fn a_goal_is_created_read_updated_and_deleted() {
    let budgets = Budgets::start().await;
    let (ana, bob) = (budgets.client(), budgets.client());
    let account = budgets.ledger.account("JPY");
    let goal = ana.goal("5000", Some(&account)).await;
    assert_eq!(
        (goal.currency_code.as_str(), goal.target_amount.as_str()),
        ("JPY", "5000"),
        "the account's currency"
    );
    assert_eq!((goal.status.as_str(), goal.percent.as_str(), goal.version), ("active", "0.00", 1));
    let change = pb::UpdateGoalRequest {
        goal_id: goal.id.clone(),
        expected_version: Some(1),
        name: Some("Ship".into()),
        due_date: Some("2027-06-30".into()),
        ..Default::default()
    };
    let changed =
        ana.change_goal(change.clone(), &["name", "due_date", "account_id"]).await.expect("changed");
    assert_eq!((changed.name.as_str(), changed.due_date.as_deref()), ("Ship", Some("2027-06-30")));
    assert_eq!((changed.account_id, changed.version), (None, 2));
    assert_eq!(rejection_of(ana.change_goal(change.clone(), &["name"]).await).0, "VERSION_MISMATCH");
    for _ in 0..3 {
        budgets.advance(TimeDelta::seconds(1));
        ana.goal("1", None).await;
    }
    assert_eq!(list_all(&ana).await.len(), 4);
    assert!(list_all(&bob).await.is_empty());
    assert_eq!(rejection_of(bob.get_goal(&goal.id).await).0, "NOT_FOUND");
    assert_eq!(rejection_of(bob.contribute(&goal.id, "1", None).await).0, "NOT_FOUND");
    let change = pb::UpdateGoalRequest { expected_version: None, ..change };
    assert_eq!(rejection_of(bob.change_goal(change, &["name"]).await).0, "NOT_FOUND");
    let list = pb::ListContributionsRequest { goal_id: goal.id.clone(), ..Default::default() };
    assert_eq!(rejection_of(bob.user.call(bob.goals().list_contributions(list)).await).0, "NOT_FOUND");
    let delete = pb::DeleteGoalRequest { goal_id: goal.id.clone(), expected_version: None };
    assert_eq!(rejection_of(bob.user.call(bob.goals().delete_goal(delete.clone())).await).0, "NOT_FOUND");
    ana.user.call(ana.goals().delete_goal(delete)).await.expect("deleted");
    assert_eq!(rejection_of(ana.get_goal(&goal.id).await).0, "NOT_FOUND");
    assert_eq!(rejection_of(ana.contribute(&goal.id, "1", None).await).0, "NOT_FOUND");
}

#[tokio::test]
async fn all_violations_are_reported_at_once() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let dollars = budgets.ledger.account("USD");
    let make = async |request: pb::CreateGoalRequest| ana.user.call(ana.goals().create_goal(request)).await;
    let wrong = pb::CreateGoalRequest {
        target_amount: "-1".into(),
        due_date: Some("soon".into()),
        account_id: Some(Uuid::from_u128(1).to_string()),
        ..Default::default()
    };
    assert_eq!(
        rejection_of(make(wrong).await).1,
        [
            "name REQUIRED",
            "target_amount AMOUNT_NOT_POSITIVE",
            "due_date DATE_INVALID",
            "account_id ACCOUNT_NOT_FOUND"
        ]
    );
    let mismatch = pb::CreateGoalRequest {
        name: "Boat".into(),
        target_amount: "1".into(),
        currency_code: Some("EUR".into()),
        account_id: Some(dollars.clone()),
        ..Default::default()
    };
    assert_eq!(rejection_of(make(mismatch).await).1, ["account_id CURRENCY_MISMATCH"]);
    let closed = budgets.ledger.account("EUR");
    let kept = ana.goal("100", Some(&closed)).await;
    budgets.ledger.archive(&closed);
    let on_closed = pb::CreateGoalRequest {
        name: "Boat".into(),
        target_amount: "1".into(),
        account_id: Some(closed.clone()),
        ..Default::default()
    };
    assert_eq!(rejection_of(make(on_closed).await).1, ["account_id ACCOUNT_CLOSED"]);
    let rename = pb::UpdateGoalRequest {
        goal_id: kept.id,
        name: Some("Ship".into()),
        account_id: Some(closed),
        ..Default::default()
    };
    ana.change_goal(rename, &["name", "account_id"]).await.expect("the current account is not checked again");
    let goal = ana.goal("100", None).await;
    let change = pb::UpdateGoalRequest {
        goal_id: goal.id.clone(),
        currency_code: Some("USD".into()),
        account_id: Some(dollars),
        ..Default::default()
    };
    assert_eq!(
        rejection_of(ana.change_goal(change, &["currency_code", "account_id"]).await).1,
        ["currency_code CURRENCY_IMMUTABLE", "account_id CURRENCY_MISMATCH"]
    );
    assert_eq!(
        rejection_of(ana.contribute(&goal.id, "0.001", Some("x")).await).1,
        ["amount AMOUNT_TOO_PRECISE", "account_id CONFLICTING"]
    );
}

#[tokio::test]
async fn milestones_and_completion_fire_once() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let goal = ana.goal("100", None).await;
    let contribution = ana.contribute(&goal.id, "24.99", None).await.expect("set aside");
    assert_eq!((contribution.status.as_str(), contribution.transaction_id), ("done", None));
    assert!(budgets.notification_events().await.is_empty());
    ana.contribute(&goal.id, "0.01", None).await.expect("set aside");
    assert_eq!(budgets.texts(REACHED).await, ["25!"]);
    ana.contribute(&goal.id, "60", None).await.expect("set aside");
    assert_eq!(budgets.texts(REACHED).await, ["25!", "50", "75!"], "one message for the highest");
    let reached = ana.get_goal(&goal.id).await.expect("there");
    assert_eq!((reached.current_amount.as_str(), reached.status.as_str()), ("85.00", "active"));
    ana.contribute(&goal.id, "20", None).await.expect("set aside");
    ana.contribute(&goal.id, "20", None).await.expect("more than needed");
    assert_eq!(budgets.notification_events().await, ["goal_milestone", "goal_milestone", "goal_reached"]);
    let reached = ana.get_goal(&goal.id).await.expect("there");
    assert_eq!((reached.percent.as_str(), reached.status.as_str()), ("125.00", "completed"));
    assert!(reached.completed_at.is_some());
    assert_eq!(reached.version, 1, "contributions are no edits");
    let amounts: Vec<_> =
        ana.contributions(&goal.id).await.into_iter().map(|contribution| contribution.amount).collect();
    assert_eq!(amounts.len(), 5);

    let milestone = budgets.texts("select id::text from budget.milestones where percent = 100").await;
    let request = pb::GetGoalMilestoneRequest {
        household_id: ana.user.household_id.to_string(),
        milestone_id: milestone[0].clone(),
    };
    let data = budgets.notification_data().get_goal_milestone(request).await.expect("data").into_inner();
    assert_eq!((data.goal_name.as_str(), data.current_amount.as_str()), ("Boat", "105.00"));

    // A new target can be reached again.
    let change = pb::UpdateGoalRequest {
        goal_id: goal.id.clone(),
        target_amount: Some("200".into()),
        ..Default::default()
    };
    let open = ana.change_goal(change, &["target_amount"]).await.expect("changed");
    assert_eq!((open.status.as_str(), open.completed_at), ("active", None));
    ana.contribute(&goal.id, "75", None).await.expect("set aside");
    assert_eq!(budgets.notification_events().await.last().map(String::as_str), Some("goal_reached"));
    assert_eq!(budgets.notification_events().await.len(), 4);
}

#[tokio::test]
async fn twenty_concurrent_contributions_reach_a_goal_once() {
    let budgets = Budgets::start().await;
    let other = budgets.replica().await;
    let ana = budgets.client();
    let goal = ana.goal("20", None).await;
    let clients = [ana.clone(), other.connect(&ana)];
    let all = (0..20).map(|number| clients[number % 2].contribute(&goal.id, "1", None));
    for contribution in futures::future::join_all(all).await {
        contribution.expect("set aside");
    }
    assert_eq!(ana.get_goal(&goal.id).await.expect("there").current_amount, "20.00");
    let mut events = budgets.notification_events().await;
    // Transactions that overlap may be recorded in another order.
    events.sort();
    assert_eq!(events, ["goal_milestone", "goal_milestone", "goal_milestone", "goal_reached"]);
}

async fn due(ana: &TestClient, due_date: &str) -> pb::Goal {
    let request = pb::CreateGoalRequest {
        name: "Boat".into(),
        target_amount: "100".into(),
        due_date: Some(due_date.into()),
        ..Default::default()
    };
    ana.user.call(ana.goals().create_goal(request)).await.expect("created").into_inner().goal.expect("a goal")
}

#[tokio::test]
async fn a_goal_shows_what_is_needed_and_whether_it_is_on_track() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let goal = due(&ana, "2027-01-22").await;
    assert_eq!((goal.needed_per_month.as_deref(), goal.on_track), (Some("25.00"), Some(true)));
    budgets.advance(TimeDelta::days(30));
    let late = ana.get_goal(&goal.id).await.expect("there");
    assert_eq!((late.needed_per_month.as_deref(), late.on_track), (Some("33.34"), Some(false)));
    ana.contribute(&goal.id, "40", None).await.expect("set aside");
    let listed = list_all(&ana).await;
    assert_eq!((listed[0].needed_per_month.as_deref(), listed[0].on_track), (Some("20.00"), Some(true)));
    ana.contribute(&goal.id, "60", None).await.expect("set aside");
    let reached = ana.get_goal(&goal.id).await.expect("there");
    assert_eq!((reached.needed_per_month, reached.on_track), (None, Some(true)));
}

/// Advances the clock by a day and waits for the checks of that day.
async fn tomorrow(budgets: &Budgets) {
    budgets.advance(TimeDelta::days(1));
    // A job that is due runs when a replica starts, else when it is polled next.
    let _replica = budgets.replica().await;
    let now = budgets.clock.now().timestamp();
    let checked = format!(
        "select bool_and(finished_at >= to_timestamp({now}))::text from budget.jobs
         where queue in ('goal-reminders', 'budget-check')"
    );
    budgets.wait_for(&checked, &["true"]).await;
    budgets.wait_for_events(0).await;
}

#[tokio::test]
async fn reminders_are_sent_thirty_seven_and_one_day_before() {
    let budgets = Budgets::start().await;
    let (ana, bob) = (budgets.client(), budgets.client());
    // Today is 22 September; setting a date that is near creates no notification.
    due(&ana, "2026-10-23").await;
    due(&bob, "2026-09-28").await;
    let cancelled = due(&bob, "2026-10-23").await;
    let cancel = pb::UpdateGoalRequest {
        goal_id: cancelled.id,
        status: Some("cancelled".into()),
        ..Default::default()
    };
    bob.change_goal(cancel, &["status"]).await.expect("cancelled");
    let days =
        "select due_date || ' ' || days_left from budget.reminders where is_notified order by created_at";
    for _ in 0..5 {
        tomorrow(&budgets).await;
    }
    assert_eq!(budgets.texts(days).await, ["2026-10-23 30", "2026-09-28 1"]);
    // The service does not run on the seventh day before the due date.
    budgets.advance(TimeDelta::days(20));
    tomorrow(&budgets).await;
    assert_eq!(budgets.texts(days).await, ["2026-10-23 30", "2026-09-28 1", "2026-10-23 5"]);
    tomorrow(&budgets).await;
    assert_eq!(budgets.notification_events().await, ["goal_deadline"; 3], "once each");
    let reminder =
        budgets.texts("select id::text from budget.reminders where days_left = 5 and is_notified").await;
    let request = pb::GetGoalReminderRequest {
        household_id: ana.user.household_id.to_string(),
        reminder_id: reminder[0].clone(),
    };
    let data = budgets.notification_data().get_goal_reminder(request).await.expect("data").into_inner();
    assert_eq!((data.due_date.as_str(), data.days_left, data.goal_name.as_str()), ("2026-10-23", 5, "Boat"));
}

#[tokio::test]
async fn a_goal_may_hold_more_than_its_account_and_shows_it() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let account = budgets.ledger.account("EUR");
    let goal = ana.goal("100", Some(&account)).await;
    assert_eq!(goal.unfunded.as_deref(), Some("0.00"));
    assert_eq!(ana.goal("100", None).await.unfunded, None, "unknown without an account");
    ana.contribute(&goal.id, "99999", None).await.expect("earmarked");
    let unfunded = async || ana.get_goal(&goal.id).await.expect("there").unfunded;
    assert_eq!(unfunded().await.as_deref(), Some("99999.00"));
    budgets.ledger.set_balance(&account, "60.00");
    assert_eq!(unfunded().await.as_deref(), Some("99939.00"));
    let listed = list_all(&ana).await.into_iter().find(|listed| listed.id == goal.id).expect("listed");
    assert_eq!(listed.unfunded.as_deref(), Some("99939.00"));
    let rename =
        pb::UpdateGoalRequest { goal_id: goal.id.clone(), name: Some("Ship".into()), ..Default::default() };
    let renamed = ana.change_goal(rename, &["name"]).await.expect("changed");
    assert_eq!(renamed.unfunded.as_deref(), Some("99939.00"));
    // Goals stay readable while the ledger is unavailable, without the unfunded amount.
    budgets.ledger.set_behavior(LedgerBehavior::Unavailable);
    assert_eq!(unfunded().await, None);
}

#[tokio::test]
async fn an_overflowing_total_is_rejected_as_a_field() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let goal = ana.goal("100", None).await;
    // The largest amount is 10^17 minor units, the largest goal 10^18.
    for _ in 0..10 {
        ana.contribute(&goal.id, "1000000000000000.00", None).await.expect("earmarked");
    }
    let rejected = rejection_of(ana.contribute(&goal.id, "0.01", None).await);
    assert_eq!(rejected.1, ["amount BALANCE_OUT_OF_RANGE"]);
    let current = ana.get_goal(&goal.id).await.expect("there").current_amount;
    assert_eq!(current, "10000000000000000.00", "a rejected contribution changes nothing");
}
