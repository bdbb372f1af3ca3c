//! Creating, reading, updating and deleting budgets, and their progress.

use chrono::TimeDelta;
use fintrac_proto::budget::v1 as pb;
use kit_core::headers::{IDEMPOTENCY_KEY, REPLAYED};
use tonic::Request;
use uuid::Uuid;

use crate::ledger::LedgerBehavior;
use crate::support::{Budgets, TestClient, rejection_of};

fn food(category: &str) -> pb::CreateBudgetRequest {
    pb::CreateBudgetRequest {
        name: "Food".into(),
        amount: "300".into(),
        category_id: Some(category.into()),
        frequency: "monthly".into(),
        ..Default::default()
    }
}

async fn list_all(client: &TestClient) -> Vec<String> {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListBudgetsRequest { page_size: Some(2), page_token };
        let page = client.user.call(client.budgets().list_budgets(request)).await.expect("a page");
        let page = page.into_inner();
        names.extend(page.budgets.into_iter().map(|budget| budget.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return names;
        }
    }
}

#[tokio::test]
async fn budgets_roll_over_a_bounded_number_of_periods() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let category = budgets.ledger.category("expense");
    // From 27 September 2016 to 21 September 2026 there are 521 weeks; the current one is the next.
    let weekly = pb::CreateBudgetRequest {
        frequency: "weekly".into(),
        start_date: Some("2016-09-27".into()),
        rollover: Some("both".into()),
        ..food(&category)
    };
    for _ in 0..38 {
        ana.create(weekly.clone()).await.expect("38 × 521 are 19,798");
    }
    assert_eq!(rejection_of(ana.create(weekly.clone()).await).1, ["start_date DATE_TOO_EARLY"]);
    let later = pb::CreateBudgetRequest { start_date: Some("2026-09-01".into()), ..weekly };
    ana.create(later).await.expect("three weeks more");
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-20", 5_00);
    let response = ana.user.call(ana.budgets().summarize_budgets(pb::SummarizeBudgetsRequest {})).await;
    let summary = response.expect("a summary").into_inner();
    // 38 × (522 × 300 − 5) and 4 × 300 − 5.
    assert_eq!(summary.totals[0].budgeted, "5951805.00");
}

#[tokio::test]
async fn the_default_currency_applies_if_none_is_sent() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    budgets.set_preferred_currency(&ana, "JPY");
    let category = budgets.ledger.category("expense");
    let budget = ana.budget(&category, "300", &[]).await;
    assert_eq!((budget.currency_code.as_str(), budget.amount.as_str()), ("JPY", "300"));
    let euros = pb::CreateBudgetRequest { currency_code: Some("EUR".into()), ..food(&category) };
    assert_eq!(ana.create(euros).await.expect("created").currency_code, "EUR");
    assert_eq!(ana.goal("1000", None).await.currency_code, "JPY");
    let account = budgets.ledger.account("USD");
    assert_eq!(ana.goal("1000", Some(&account)).await.currency_code, "USD", "a goal's account decides");
}

#[tokio::test]
async fn a_budget_is_created_read_updated_and_deleted() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let (category, other) = (budgets.ledger.category("expense"), budgets.ledger.category("expense"));
    let made = ana.create(food(&category)).await.expect("created");
    assert_eq!((made.amount.as_str(), made.currency_code.as_str()), ("300.00", "EUR"));
    assert_eq!((made.start_date.as_str(), made.end_date.clone()), ("2026-09-01", None));
    assert_eq!((made.alert_thresholds.clone(), made.version), (vec![80, 100], 1));
    assert_eq!(ana.get(&made.id).await.expect("there"), made);

    let change = pb::UpdateBudgetRequest {
        budget_id: made.id.clone(),
        expected_version: Some(1),
        name: Some("Eating".into()),
        category_ids: vec![category.clone(), other.clone()],
        ..Default::default()
    };
    let changed = ana.change(change.clone(), &["name", "category_ids"]).await.expect("changed");
    assert_eq!((changed.name.as_str(), changed.version), ("Eating", 2));
    assert_eq!(changed.category_ids, [category.clone(), other]);
    assert_eq!(rejection_of(ana.change(change, &["name"]).await).0, "VERSION_MISMATCH");

    for name in ["B", "C"] {
        budgets.advance(TimeDelta::seconds(1));
        ana.create(pb::CreateBudgetRequest { name: name.into(), ..food(&category) }).await.expect("created");
    }
    assert_eq!(list_all(&ana).await, ["Eating", "B", "C"]);
    let stale = pb::DeleteBudgetRequest { budget_id: made.id.clone(), expected_version: Some(1) };
    assert_eq!(rejection_of(ana.user.call(ana.budgets().delete_budget(stale)).await).0, "VERSION_MISMATCH");
    let delete = pb::DeleteBudgetRequest { budget_id: made.id.clone(), expected_version: Some(2) };
    ana.user.call(ana.budgets().delete_budget(delete.clone())).await.expect("deleted");
    assert_eq!(list_all(&ana).await, ["B", "C"]);
    assert_eq!(rejection_of(ana.get(&made.id).await).0, "NOT_FOUND");
    assert_eq!(rejection_of(ana.progress(&made.id, "").await).0, "NOT_FOUND");
    assert_eq!(rejection_of(ana.user.call(ana.budgets().delete_budget(delete)).await).0, "NOT_FOUND");
}

#[tokio::test]
async fn a_household_can_access_only_its_own_budgets() {
    let budgets = Budgets::start().await;
    let (ana, bob) = (budgets.client(), budgets.client());
    let made = ana.create(food(&budgets.ledger.category("expense"))).await.expect("created");
    assert!(list_all(&bob).await.is_empty());
    assert_eq!(rejection_of(bob.get(&made.id).await).0, "NOT_FOUND");
    assert_eq!(rejection_of(bob.progress(&made.id, "").await).0, "NOT_FOUND");
    let change = pb::UpdateBudgetRequest {
        budget_id: made.id.clone(),
        name: Some("Mine".into()),
        ..Default::default()
    };
    assert_eq!(rejection_of(bob.change(change, &["name"]).await).0, "NOT_FOUND");
    let delete = pb::DeleteBudgetRequest { budget_id: made.id.clone(), expected_version: None };
    assert_eq!(rejection_of(bob.user.call(bob.budgets().delete_budget(delete)).await).0, "NOT_FOUND");
    assert_eq!(ana.get(&made.id).await.expect("there"), made);
    let anonymous = ana.budgets().get_budget(pb::GetBudgetRequest { budget_id: made.id }).await;
    assert_eq!(rejection_of(anonymous).0, "TOKEN_MISSING");
}

#[tokio::test]
async fn categories_must_exist_and_be_of_type_expense() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let (food_id, salary) = (budgets.ledger.category("expense"), budgets.ledger.category("income"));
    let unknown = Uuid::from_u128(1).to_string();
    let request = pb::CreateBudgetRequest {
        name: String::new(),
        category_id: None,
        category_ids: vec![food_id.clone(), salary, unknown.clone()],
        ..food(&food_id)
    };
    assert_eq!(
        rejection_of(ana.create(request).await),
        (
            "VALIDATION_FAILED".into(),
            vec![
                "name REQUIRED".into(),
                "category_ids[1] CATEGORY_TYPE_MISMATCH".into(),
                "category_ids[2] CATEGORY_NOT_FOUND".into()
            ]
        )
    );
    let made = ana.create(food(&food_id)).await.expect("created");
    let change =
        pb::UpdateBudgetRequest { budget_id: made.id, category_id: Some(unknown), ..Default::default() };
    assert_eq!(
        rejection_of(ana.change(change, &["category_id"]).await).1,
        ["category_id CATEGORY_NOT_FOUND"]
    );
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_response() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let category = budgets.ledger.category("expense");
    let send = async |name: &str| {
        let mut request = Request::new(pb::CreateBudgetRequest { name: name.into(), ..food(&category) });
        request.metadata_mut().insert(IDEMPOTENCY_KEY, "a-key".parse().expect("a key"));
        let response = ana.user.call(ana.budgets().create_budget(request)).await?;
        let replayed = response.metadata().contains_key(REPLAYED);
        Ok::<_, tonic::Status>((response.into_inner().budget.expect("a budget"), replayed))
    };
    assert_eq!(rejection_of(send("").await).0, "VALIDATION_FAILED", "a rejected request leaves the key free");
    let (first, replayed) = send("Food").await.expect("created");
    assert!(!replayed);
    budgets.ledger.set_behavior(LedgerBehavior::Unavailable);
    assert_eq!(send("Food").await.expect("replayed"), (first, true));
    assert_eq!(rejection_of(send("Other").await).0, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(list_all(&ana).await.len(), 1);
}

#[tokio::test]
async fn progress_uses_the_terms_of_the_period() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let (food_id, fun) = (budgets.ledger.category("expense"), budgets.ledger.category("expense"));
    let request = pb::CreateBudgetRequest { start_date: Some("2026-07-31".into()), ..food(&food_id) };
    let budget = ana.create(request).await.expect("created");
    let household = ana.user.household_id;
    for (day, minor) in [
        ("2026-07-31", 1_000),
        ("2026-08-30", 2_000),
        ("2026-08-31", 20_000),
        ("2026-09-29", 5_000),
        ("2026-09-30", 99_000),
    ] {
        budgets.ledger.spend(household, &food_id, day, minor);
    }
    budgets.ledger.spend(household, &fun, "2026-09-01", 77_777);
    let now = ana.progress(&budget.id, "").await.expect("progress");
    assert_eq!((now.period_start.as_str(), now.period_end.as_str()), ("2026-08-31", "2026-09-29"));
    assert_eq!(
        (now.budgeted.as_str(), now.spent.as_str(), now.remaining.as_str()),
        ("300.00", "250.00", "50.00")
    );
    assert_eq!((now.percent.as_deref(), now.days_left, now.status.as_str()), (Some("83.33"), 8, "warning"));

    ana.set_amount(&budget.id, "200").await;
    let now = ana.progress(&budget.id, "2026-09-22").await.expect("progress");
    assert_eq!(
        (now.budgeted.as_str(), now.remaining.as_str(), now.status.as_str()),
        ("200.00", "-50.00", "exceeded")
    );
    let before = ana.progress(&budget.id, "2026-08-30").await.expect("progress");
    assert_eq!(
        (before.budgeted.as_str(), before.spent.as_str()),
        ("300.00", "30.00"),
        "the terms of that period"
    );
    assert_eq!((before.days_left, before.status.as_str()), (0, "on_track"));
    for bad in ["2026-07-30", "22.9.2026", "2026-09-22T00:00:00Z"] {
        assert_eq!(rejection_of(ana.progress(&budget.id, bad).await).1, ["date PARAMETER_INVALID"], "{bad}");
    }
    budgets.ledger.set_behavior(LedgerBehavior::Unavailable);
    assert_eq!(rejection_of(ana.progress(&budget.id, "").await).0, "UNAVAILABLE");
}

/// Describes each period: start, spent, budgeted, percent and carried.
fn describe(periods: &[pb::BudgetProgress]) -> Vec<String> {
    let describe = |progress: &pb::BudgetProgress| {
        let percent = progress.percent.as_deref().unwrap_or("-");
        format!(
            "{} {} of {} {percent} {}",
            progress.period_start, progress.spent, progress.budgeted, progress.carried
        )
    };
    periods.iter().map(describe).collect()
}

#[tokio::test]
async fn surplus_and_overspending_are_carried_over() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let category = budgets.ledger.category("expense");
    let request = pb::CreateBudgetRequest {
        start_date: Some("2026-06-01".into()),
        rollover: Some("both".into()),
        ..food(&category)
    };
    let budget = ana.create(request).await.expect("created");
    assert_eq!(budget.rollover, "both");
    let household = ana.user.household_id;
    for (day, minor) in [("2026-06-10", 20_000), ("2026-07-31", 90_000), ("2026-08-15", 10_000)] {
        budgets.ledger.spend(household, &category, day, minor);
    }
    // 300 + 100 - 900 = -500; -500 + 300 - 100 = -300; nothing to spend in September.
    let history = async |size, page_token: &str| {
        let request = pb::ListBudgetPeriodsRequest {
            budget_id: budget.id.clone(),
            page_size: Some(size),
            page_token: page_token.into(),
        };
        ana.user.call(ana.budgets().list_budget_periods(request)).await.map(tonic::Response::into_inner)
    };
    let page = history(2, "").await.expect("a page");
    assert_eq!(
        describe(&page.periods),
        ["2026-08-01 100.00 of -200.00 - -500.00", "2026-07-01 900.00 of 400.00 225.00 100.00"]
    );
    assert_eq!(page.periods[0].status, "exceeded");
    let last = history(2, &page.next_page_token).await.expect("a page");
    assert_eq!(describe(&last.periods), ["2026-06-01 200.00 of 300.00 66.66 0.00"]);
    assert_eq!(last.next_page_token, "");
    let now = ana.progress(&budget.id, "").await.expect("progress");
    assert_eq!(describe(std::slice::from_ref(&now)), ["2026-09-01 0.00 of 0.00 - -300.00"]);
    assert_eq!((now.amount.as_str(), now.status.as_str()), ("300.00", "exceeded"));

    // An edit of an old month counts at once, also in the amounts carried over since.
    budgets.ledger.spend(household, &category, "2026-07-31", -90_000);
    let now = ana.progress(&budget.id, "").await.expect("progress");
    assert_eq!(describe(std::slice::from_ref(&now)), ["2026-09-01 0.00 of 900.00 0.00 600.00"]);
    assert_eq!(rejection_of(history(2, "x").await).1, ["page_token PAGE_TOKEN_INVALID"]);
    let bob = budgets.client();
    let request = pb::ListBudgetPeriodsRequest { budget_id: budget.id.clone(), ..Default::default() };
    assert_eq!(rejection_of(bob.user.call(bob.budgets().list_budget_periods(request)).await).0, "NOT_FOUND");
}

#[tokio::test]
async fn progress_projects_spending() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let category = budgets.ledger.category("expense");
    let budget = ana.budget(&category, "1000", &[]).await;
    // Rent on the first day is not extrapolated.
    budgets.ledger.spend(ana.user.household_id, &category, "2026-09-01", 90_000);
    let seen = async || {
        let now = ana.progress(&budget.id, "").await.expect("progress");
        (now.projected_spend, now.exhausted_on)
    };
    assert_eq!(seen().await, ("900.00".into(), None));
    // Today is 22 September: only what is due later counts; the rest is spent or was skipped.
    for (day, amount) in [("2026-09-22", "7.00"), ("2026-09-25", "60.00"), ("2026-10-01", "900.00")] {
        budgets.ledger.expect_spending(&category, day, amount);
    }
    assert_eq!(seen().await, ("960.00".into(), None));
    budgets.ledger.expect_spending(&category, "2026-09-28", "40.00");
    assert_eq!(seen().await, ("1000.00".into(), Some("2026-09-28".into())));
    let request = pb::SummarizeBudgetsRequest {};
    let summary = ana.user.call(ana.budgets().summarize_budgets(request)).await.expect("a summary");
    assert_eq!(summary.into_inner().budgets[0].projected_spend, "1000.00");
}

#[tokio::test]
async fn budgets_and_their_history_list_unpriced_spending() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let category = budgets.ledger.category("expense");
    let budget = ana.budget(&category, "300", &[]).await;
    budgets.ledger.leave_unpriced(&category, "2026-09-10", "NZD", "117.00");
    let describe = |list: &[pb::ProgressUnpriced]| {
        let lines =
            list.iter().map(|entry| format!("{} {} {}", entry.date, entry.currency_code, entry.amount));
        lines.collect::<Vec<_>>()
    };
    let now = ana.progress(&budget.id, "").await.expect("progress");
    assert_eq!(
        (now.spent.as_str(), describe(&now.unpriced)),
        ("0.00", vec!["2026-09-10 NZD 117.00".to_owned()])
    );
    let request = pb::SummarizeBudgetsRequest {};
    let summary = ana.user.call(ana.budgets().summarize_budgets(request)).await.expect("a summary");
    let summary = summary.into_inner();
    assert_eq!(describe(&summary.budgets[0].unpriced), [" NZD 117.00"]);
    assert_eq!(describe(&summary.totals[0].unpriced), [" NZD 117.00"]);
    budgets.advance(TimeDelta::days(30));
    let request = pb::ListBudgetPeriodsRequest { budget_id: budget.id.clone(), ..Default::default() };
    let history = ana.user.call(ana.budgets().list_budget_periods(request)).await.expect("a page");
    let periods = history.into_inner().periods;
    assert_eq!(
        (periods[0].period_start.as_str(), describe(&periods[0].unpriced)),
        ("2026-09-01", vec![" NZD 117.00".to_owned()])
    );
}

#[tokio::test]
async fn all_budgets_are_summed_up_by_currency() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let (food_id, fun) = (budgets.ledger.category("expense"), budgets.ledger.category("expense"));
    ana.create(food(&food_id)).await.expect("created");
    budgets.advance(TimeDelta::seconds(1));
    let fun_budget = pb::CreateBudgetRequest { name: "Fun".into(), amount: "100".into(), ..food(&fun) };
    ana.create(fun_budget.clone()).await.expect("created");
    let dollars = pb::CreateBudgetRequest { currency_code: Some("USD".into()), ..fun_budget.clone() };
    ana.create(dollars).await.expect("created");
    let over = pb::CreateBudgetRequest {
        start_date: Some("2026-01-01".into()),
        end_date: Some("2026-08-31".into()),
        ..fun_budget
    };
    ana.create(over).await.expect("created");
    let household = ana.user.household_id;
    budgets.ledger.spend(household, &food_id, "2026-09-05", 10_000);
    budgets.ledger.spend(household, &fun, "2026-09-06", 5_000);
    let summary = ana.user.call(ana.budgets().summarize_budgets(pb::SummarizeBudgetsRequest {})).await;
    let summary = summary.expect("a summary").into_inner();
    assert_eq!(summary.date, "2026-09-22");
    let names: Vec<_> = summary.budgets.iter().map(|budget| budget.budget_name.as_str()).collect();
    assert_eq!(names, ["Food", "Fun", "Fun"], "a budget that has ended is not included");
    let euros = &summary.totals[0];
    assert_eq!(
        (
            euros.currency_code.as_str(),
            euros.budgeted.as_str(),
            euros.spent.as_str(),
            euros.remaining.as_str()
        ),
        ("EUR", "400.00", "150.00", "250.00")
    );
    assert_eq!((euros.percent.as_deref(), summary.totals.len()), (Some("37.50"), 2));
    let bob = budgets.client();
    let nothing = bob.user.call(bob.budgets().summarize_budgets(pb::SummarizeBudgetsRequest {})).await;
    let nothing = nothing.expect("a summary").into_inner();
    assert!(nothing.budgets.is_empty() && nothing.totals.is_empty());
}

#[tokio::test]
async fn ten_years_of_weeks_are_carried_over() {
    let budgets = Budgets::start().await;
    let ana = budgets.client();
    let category = budgets.ledger.category("expense");
    let request = pb::CreateBudgetRequest {
        amount: "1".into(),
        frequency: "weekly".into(),
        start_date: Some("2016-10-03".into()),
        rollover: Some("surplus".into()),
        ..food(&category)
    };
    let budget = ana.create(request).await.expect("created");
    let now = ana.progress(&budget.id, "").await.expect("progress");
    assert_eq!((now.period_start.as_str(), now.carried.as_str()), ("2026-09-21", "520.00"));
}
