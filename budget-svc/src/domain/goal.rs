//! Goals: targets for which money is set aside.

use std::collections::HashMap;

use chrono::{DateTime, Months, NaiveDate, Utc};
use fintrac_money::{Currency, Money};
use kit_core::error::{FieldCode, FieldViolation};
use kit_core::text;
use uuid::Uuid;

use super::budget::{amount, currency, date};
use super::percent::reaches;

const MAX_NAME_CHARS: usize = 100;
/// The milestones in percent of the target; the last one completes the goal.
const MILESTONES: [i32; 4] = [25, 50, 75, 100];
/// The largest number of months until a due date that is counted.
const MAX_MONTHS: u32 = 12_000;
/// The days before the due date on which reminders are due, furthest first.
const REMINDERS: [i32; 3] = [30, 7, 1];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    pub id: Uuid,
    pub name: String,
    pub target: Money,
    pub due_date: Option<NaiveDate>,
    /// The account in the ledger that holds the money.
    pub account_id: Option<Uuid>,
    /// The sum of the contributions in state done.
    pub current: Money,
    /// Set while the target is reached.
    pub completed_at: Option<DateTime<Utc>>,
    /// Set while the goal is cancelled and accepts no contributions.
    pub cancelled_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Whether the goal is deleted. Pending contributions still complete.
    pub is_deleted: bool,
}

impl Goal {
    pub fn currency(&self) -> Currency {
        self.target.currency()
    }

    pub fn status(&self) -> &'static str {
        match (self.cancelled_at, self.completed_at) {
            (Some(_), _) => CANCELLED,
            (None, Some(_)) => "completed",
            (None, None) => ACTIVE,
        }
    }

    /// Returns whether the goal is neither cancelled nor completed.
    pub fn is_active(&self) -> bool {
        self.cancelled_at.is_none() && self.completed_at.is_none()
    }

    /// Returns the reminders that are due on `today`, furthest first.
    /// There are none after the due date.
    pub fn due_reminders(&self, today: NaiveDate) -> impl Iterator<Item = i32> {
        let left = self.due_date.map(|due| due.signed_duration_since(today).num_days());
        let left = left.filter(|days| *days >= 0);
        REMINDERS.into_iter().filter(move |days| left.is_some_and(|left| left <= i64::from(*days)))
    }

    /// Returns the milestones that are reached, in percent.
    pub fn reached(&self) -> impl Iterator<Item = i32> {
        let (current, target) = (self.current.minor(), self.target.minor());
        MILESTONES.into_iter().filter(move |percent| reaches(current, *percent, target))
    }

    /// Adds `minor` units, which may be negative; `None` on overflow.
    pub fn add(&mut self, minor: i64, now: DateTime<Utc>) -> Option<()> {
        self.current = Money::new(self.current.minor().checked_add(minor)?, self.currency());
        self.update_completion(now);
        Some(())
    }

    /// Updates `completed_at`: a goal is completed while its target is reached.
    fn update_completion(&mut self, now: DateTime<Utc>) {
        let is_reached = self.current.minor() >= self.target.minor();
        self.completed_at = is_reached.then(|| self.completed_at.unwrap_or(now));
    }
}

const ACTIVE: &str = "active";
const CANCELLED: &str = "cancelled";

/// The projection of a goal with a due date on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GoalProjection {
    /// The amount to set aside each month to reach the target in time.
    /// `None` for a cancelled goal, without a due date, after it, and once the target is reached.
    pub needed_per_month: Option<Money>,
    /// Whether the amount keeps up with equal daily parts since the goal was created.
    /// `None` for a cancelled goal and without a due date.
    pub on_track: Option<bool>,
}

impl GoalProjection {
    /// Computes the projection; `made` is the day on which the goal was created.
    pub fn new(goal: &Goal, made: NaiveDate, today: NaiveDate) -> Self {
        let Some(due) = goal.due_date.filter(|_| goal.cancelled_at.is_none()) else {
            return Self::default();
        };
        let (current, target) = (i128::from(goal.current.minor()), i128::from(goal.target.minor()));
        let missing = target.saturating_sub(current);
        let days =
            |from: NaiveDate, to: NaiveDate| i128::from(to.signed_duration_since(from).num_days().max(0));
        let (gone, all) = (days(made, today), days(made, due));
        let on_track =
            missing <= 0 || due >= today && current.saturating_mul(all) >= target.saturating_mul(gone);
        let months = months_until(today, due).filter(|_| missing > 0);
        // Rounded up: with a cent less each month the target would be missed.
        let each = months.and_then(|months| {
            missing.checked_add(i128::from(months))?.checked_sub(1)?.checked_div(i128::from(months))
        });
        let each = each.and_then(|minor| i64::try_from(minor).ok());
        Self {
            needed_per_month: each.map(|minor| Money::new(minor, goal.currency())),
            on_track: Some(on_track),
        }
    }
}

/// The money set aside for a goal on an account.
#[derive(Debug, Clone, Copy)]
pub struct Earmark {
    pub goal_id: Uuid,
    pub account_id: Uuid,
    pub amount: Money,
}

/// Returns by goal the part of its earmark that its account does not hold.
///
/// The earmarks are in the order in which an account's balance covers them. `balances` are minor
/// units by account; an account that is missing holds nothing.
pub fn unfunded(earmarks: &[Earmark], mut balances: HashMap<Uuid, i64>) -> HashMap<Uuid, Money> {
    let mut unfunded = HashMap::new();
    for earmark in earmarks {
        let left = balances.entry(earmark.account_id).or_default();
        let earmarked = earmark.amount.minor().max(0);
        let covered = earmarked.min((*left).max(0));
        *left = left.saturating_sub(covered);
        unfunded.insert(
            earmark.goal_id,
            Money::new(earmarked.saturating_sub(covered), earmark.amount.currency()),
        );
    }
    unfunded
}

/// Returns the whole months until `due`, at least one; `None` after it.
fn months_until(today: NaiveDate, due: NaiveDate) -> Option<u32> {
    if due < today {
        return None;
    }
    let is_whole =
        |months: &u32| today.checked_add_months(Months::new(*months)).is_some_and(|day| day <= due);
    let whole = (1..=MAX_MONTHS).take_while(is_whole).last();
    Some(whole.unwrap_or(1))
}

/// The input of a request to create a goal.
#[derive(Debug, Clone, Default)]
pub struct GoalInput {
    pub name: String,
    pub target_amount: String,
    pub currency_code: Option<String>,
    pub due_date: Option<String>,
    pub account_id: Option<String>,
}

impl GoalInput {
    /// Validates the input and builds the goal.
    /// `account` is the currency of the account that the input names.
    pub fn resolve(
        &self,
        id: Uuid,
        default: Currency,
        account: Option<Currency>,
        now: DateTime<Utc>,
    ) -> Result<Goal, Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let name = text::line("name", &self.name, MAX_NAME_CHARS, &mut violations);
        let currency = currency(self.currency_code.as_deref(), account.unwrap_or(default), &mut violations);
        let target = amount("target_amount", &self.target_amount, currency, &mut violations);
        let due_date = self.due_date.as_deref().and_then(|text| date("due_date", text, &mut violations));
        let account_id = account_id(self.account_id.as_deref(), &mut violations);
        check_currency(currency, account, &mut violations);
        match target {
            Some(target) if violations.is_empty() => Ok(Goal {
                id,
                name,
                target,
                due_date,
                account_id,
                current: Money::new(0, target.currency()),
                completed_at: None,
                cancelled_at: None,
                version: 1,
                created_at: now,
                updated_at: now,
                is_deleted: false,
            }),
            _ => Err(violations),
        }
    }
}

/// The changes that a client requests; an inner `None` clears a field.
#[derive(Debug, Clone, Default)]
pub struct GoalChanges {
    pub name: Option<String>,
    pub target_amount: Option<String>,
    pub currency_code: Option<String>,
    pub due_date: Option<Option<String>>,
    pub account_id: Option<Option<String>>,
    /// The new status: `cancelled`, or `active` to reactivate the goal.
    pub status: Option<String>,
}

impl GoalChanges {
    /// Returns the changed goal and the names of the fields that differ.
    /// `account` is the currency of the account that the change names.
    pub fn apply(
        &self,
        goal: &Goal,
        account: Option<Currency>,
        now: DateTime<Utc>,
    ) -> Result<(Goal, Vec<&'static str>), Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let mut after = goal.clone();
        if let Some(name) = &self.name {
            after.name = text::line("name", name, MAX_NAME_CHARS, &mut violations);
        }
        if let Some(code) = &self.currency_code
            && Currency::from_code(code) != Some(goal.currency())
        {
            let text = "The currency of a goal cannot be changed. Create another goal.";
            violations.push(FieldViolation::new("currency_code", FieldCode::CurrencyImmutable, text));
        }
        if let Some(text) = &self.target_amount
            && let Some(target) = amount("target_amount", text, Some(goal.currency()), &mut violations)
        {
            after.target = target;
        }
        if let Some(due) = &self.due_date {
            after.due_date = due.as_deref().and_then(|text| date("due_date", text, &mut violations));
        }
        if let Some(account) = &self.account_id {
            after.account_id = account_id(account.as_deref(), &mut violations);
        }
        match self.status.as_deref().map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            Some(CANCELLED) => after.cancelled_at = goal.cancelled_at.or(Some(now)),
            Some(ACTIVE) => after.cancelled_at = None,
            Some(same) if same == goal.status() => {}
            Some(_) => {
                violations.push(FieldViolation::from_code("status", FieldCode::GoalStatusInvalid));
            }
            None => {}
        }
        check_currency(Some(goal.currency()), account, &mut violations);
        if !violations.is_empty() {
            return Err(violations);
        }
        let fields = [
            ("name", goal.name != after.name),
            ("target_amount", goal.target != after.target),
            ("due_date", goal.due_date != after.due_date),
            ("account_id", goal.account_id != after.account_id),
            ("status", goal.cancelled_at.is_some() != after.cancelled_at.is_some()),
        ];
        let changed: Vec<_> =
            fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        if !changed.is_empty() {
            after.update_completion(now);
            after.version = goal.version.saturating_add(1);
            after.updated_at = now;
        }
        Ok((after, changed))
    }
}

/// Returns the violation for an account that the household does not have.
pub fn account_not_found() -> FieldViolation {
    FieldViolation::from_code("account_id", FieldCode::AccountNotFound)
}

fn account_id(text: Option<&str>, violations: &mut Vec<FieldViolation>) -> Option<Uuid> {
    let found = Uuid::parse_str(text?.trim()).ok();
    if found.is_none() {
        violations.push(account_not_found());
    }
    found
}

fn check_currency(goal: Option<Currency>, account: Option<Currency>, violations: &mut Vec<FieldViolation>) {
    if let (Some(goal), Some(account)) = (goal, account)
        && goal != account
    {
        let text = format!(
            "The account must be in the goal's currency, {goal}, not in {account}. Send another one."
        );
        violations.push(FieldViolation::new("account_id", FieldCode::CurrencyMismatch, text));
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, Utc};
    use fintrac_money::{Currency, Money};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::{Goal, GoalChanges, GoalInput, GoalProjection};

    fn now() -> DateTime<Utc> {
        "2026-11-18T12:00:00Z".parse().expect("an instant")
    }

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).expect(code)
    }

    fn goal(target: &str) -> Goal {
        let input = GoalInput { name: "Boat".into(), target_amount: target.into(), ..GoalInput::default() };
        input.resolve(Uuid::from_u128(1), currency("EUR"), None, now()).expect("a goal")
    }

    #[test]
    fn the_currency_is_the_accounts_else_the_households() {
        let input = GoalInput {
            name: "Boat".into(),
            target_amount: "100".into(),
            account_id: Some(Uuid::from_u128(5).to_string()),
            ..GoalInput::default()
        };
        let made = input.resolve(Uuid::from_u128(1), currency("EUR"), Some(currency("JPY")), now());
        assert_eq!(made.expect("a goal").target.to_string(), "100");
        let other = GoalInput { currency_code: Some("usd".into()), ..input };
        let rejected = other
            .resolve(Uuid::from_u128(1), currency("EUR"), Some(currency("JPY")), now())
            .expect_err("rejected");
        assert_eq!(
            (rejected[0].field.as_str(), rejected[0].code.as_str()),
            ("account_id", "CURRENCY_MISMATCH")
        );
    }

    #[test]
    fn a_balance_covers_its_goals_in_the_order_of_their_creation() {
        let account = Uuid::from_u128(9);
        let earmark = |id: u128, minor: i64| super::Earmark {
            goal_id: Uuid::from_u128(id),
            account_id: account,
            amount: Money::new(minor, currency("EUR")),
        };
        let earmarks = [earmark(1, 6_000), earmark(2, 6_000), earmark(3, 500)];
        let found = |balances: &[(Uuid, i64)]| {
            let found = super::unfunded(&earmarks, balances.iter().copied().collect());
            [1, 2, 3].map(|id| found[&Uuid::from_u128(id)].minor())
        };
        assert_eq!(found(&[(account, 20_000)]), [0, 0, 0]);
        assert_eq!(found(&[(account, 10_000)]), [0, 2_000, 500]);
        assert_eq!(found(&[(account, -1)]), [6_000, 6_000, 500]);
        assert_eq!(found(&[]), [6_000, 6_000, 500], "the account was deleted");
    }

    proptest! {
        #[test]
        fn a_goal_is_completed_exactly_while_its_target_is_reached(
            target in 1_i64..1000, changes in prop::collection::vec(-300_i64..300, 1..20),
        ) {
            let mut goal = goal(&format!("{}.{:02}", target / 100, target % 100));
            let mut sum = 0;
            for change in changes {
                goal.add(change, now()).expect("small");
                sum += change;
                prop_assert_eq!(goal.completed_at.is_some(), sum >= target);
                let reached: Vec<_> = goal.reached().collect();
                let passed = |percent: &i32| sum * 100 >= target * i64::from(*percent);
                let model: Vec<_> = [25, 50, 75, 100].into_iter().filter(passed).collect();
                prop_assert_eq!(reached, model);
            }
        }
    }

    #[test]
    fn a_higher_target_reopens_the_goal() {
        let mut goal = goal("10");
        goal.add(1000, now()).expect("small");
        assert_eq!(goal.status(), "completed");
        let more = GoalChanges { target_amount: Some("20".into()), ..GoalChanges::default() };
        let (after, changed) = more.apply(&goal, None, now()).expect("changed");
        assert_eq!(
            (after.status(), changed.as_slice(), after.version),
            ("active", &["target_amount"][..], 2)
        );
        let same = GoalChanges { target_amount: Some("10.00".into()), ..GoalChanges::default() };
        assert_eq!(same.apply(&goal, None, now()).expect("nothing to reject").1, Vec::<&str>::new());
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn the_monthly_amount_reaches_the_target_in_time() {
        let due = |text: &str| Goal { due_date: Some(day(text)), ..goal("1000") };
        let seen = |goal: &Goal, today: &str| {
            let projection = GoalProjection::new(goal, day("2026-11-18"), day(today));
            (projection.needed_per_month.map(|amount| amount.to_string()), projection.on_track)
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(seen(&goal("1000"), "2026-11-18"), (None, None), "without a due date");
        let mut boat = due("2027-11-18");
        assert_eq!(seen(&boat, "2026-11-18"), (text("83.34"), Some(true)), "twelve months");
        assert_eq!(seen(&boat, "2026-11-19"), (text("90.91"), Some(false)), "eleven whole months");
        assert_eq!(seen(&boat, "2027-11-18"), (text("1000.00"), Some(false)));
        assert_eq!(seen(&boat, "2027-11-19"), (None, Some(false)), "too late");
        boat.add(50_000, now()).expect("small");
        assert_eq!(
            seen(&boat, "2027-05-19"),
            (text("100.00"), Some(true)),
            "half of the amount in half of the time"
        );
        assert_eq!(seen(&boat, "2027-05-20"), (text("100.00"), Some(false)));
        boat.add(50_000, now()).expect("small");
        assert_eq!(seen(&boat, "2028-01-01"), (None, Some(true)), "the target is reached");
        assert_eq!(seen(&due("2027-01-31"), "2026-12-31"), (text("1000.00"), Some(false)), "one month");
        assert_eq!(seen(&due("2027-02-01"), "2026-12-31"), (text("1000.00"), Some(false)), "one whole month");
        assert_eq!(seen(&due("2026-12-31"), "2026-11-30"), (text("1000.00"), Some(false)), "one whole month");
        assert_eq!(
            seen(&due("2027-03-01"), "2026-12-31"),
            (text("500.00"), Some(false)),
            "28 February counts"
        );
        assert_eq!(seen(&due("2026-12-05"), "2026-12-01"), (text("1000.00"), Some(false)), "at least one");
    }

    proptest! {
        #[test]
        fn the_monthly_amount_is_the_smallest_that_is_enough(
            target in 1_i64..1_000_000, current in 0_i64..1_000_000, days in 0_u64..4000,
        ) {
            let today = day("2026-11-18");
            let due = today + chrono::Days::new(days);
            let mut goal = goal("1");
            goal.target = Money::new(target, goal.currency());
            goal.due_date = Some(due);
            goal.add(current, now()).expect("small");
            let needed = GoalProjection::new(&goal, today, today).needed_per_month.map(Money::minor);
            prop_assert_eq!(needed.is_some(), current < target);
            if let Some(needed) = needed {
                let whole = (1..).take_while(|month| {
                    let months = chrono::Months::new(*month);
                    today.checked_add_months(months).is_some_and(|day| day <= due)
                });
                let months = i64::try_from(whole.count()).expect("few").max(1);
                prop_assert!(needed * months >= target - current);
                prop_assert!((needed - 1) * months < target - current);
            }
        }
    }

    #[test]
    fn reminders_come_before_the_due_date() {
        let goal = Goal { due_date: Some(day("2026-12-31")), ..goal("10") };
        let on = |today: &str| goal.due_reminders(day(today)).collect::<Vec<_>>();
        assert_eq!([on("2026-11-30"), on("2026-12-01"), on("2026-12-23")], [vec![], vec![30], vec![30]]);
        assert_eq!(on("2026-12-24"), [30, 7]);
        assert_eq!([on("2026-12-30"), on("2026-12-31")], [vec![30, 7, 1], vec![30, 7, 1]]);
        assert_eq!(on("2027-01-01"), Vec::<i32>::new());
    }

    #[test]
    fn a_goal_is_cancelled_and_reactivated() {
        let goal = goal("10");
        let to = |status: &str| GoalChanges { status: Some(status.into()), ..GoalChanges::default() };
        let (cancelled, changed) = to("Cancelled").apply(&goal, None, now()).expect("changed");
        assert_eq!((cancelled.status(), changed.as_slice()), ("cancelled", &["status"][..]));
        assert!(!cancelled.is_active());
        assert_eq!(to("cancelled").apply(&cancelled, None, now()).expect("the same").1, Vec::<&str>::new());
        let (again, _) = to("active").apply(&cancelled, None, now()).expect("changed");
        assert!(again.is_active());
        let rejected = to("completed").apply(&goal, None, now()).expect_err("only money completes a goal");
        assert_eq!(
            (rejected[0].field.as_str(), rejected[0].code.as_str()),
            ("status", "GOAL_STATUS_INVALID")
        );
    }
}
