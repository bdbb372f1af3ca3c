//! Goals: a target that money is set aside for.

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_kit::error::Violation;
use fintrac_kit::text;
use fintrac_money::{Currency, Money};
use uuid::Uuid;

use super::budget::{amount, currency, date};
use super::percent::reaches;

const LONGEST_NAME: usize = 100;
/// Parts of the target that are told, percent; the last one completes the goal.
const MILESTONES: [i32; 4] = [25, 50, 75, 100];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    pub id: Uuid,
    pub name: String,
    pub target: Money,
    pub due_date: Option<NaiveDate>,
    /// Where the money is kept, in the ledger.
    pub account_id: Option<Uuid>,
    /// Sum of the contributions that are done.
    pub current: Money,
    /// Set as long as the target is reached.
    pub completed_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Contributions on their way still arrive.
    pub is_deleted: bool,
}

impl Goal {
    pub fn currency(&self) -> Currency {
        self.target.currency()
    }

    pub fn status(&self) -> &'static str {
        if self.completed_at.is_some() { "completed" } else { "active" }
    }

    /// The parts of the target that are reached, percent.
    pub fn reached(&self) -> impl Iterator<Item = i32> {
        let (current, target) = (self.current.minor(), self.target.minor());
        MILESTONES.into_iter().filter(move |percent| reaches(current, *percent, target))
    }

    /// Adds to what is set aside, or takes from it; `None` when it cannot be counted.
    pub fn add(&mut self, minor: i64, now: DateTime<Utc>) -> Option<()> {
        self.current = Money::new(self.current.minor().checked_add(minor)?, self.currency());
        self.settle(now);
        Some(())
    }

    /// A goal is completed as long as its target is reached.
    fn settle(&mut self, now: DateTime<Utc>) {
        let is_reached = self.current.minor() >= self.target.minor();
        self.completed_at = is_reached.then(|| self.completed_at.unwrap_or(now));
    }
}

/// What somebody asks for who makes a goal.
#[derive(Debug, Clone, Default)]
pub struct GoalInput {
    pub name: String,
    pub target_amount: String,
    pub currency_code: Option<String>,
    pub due_date: Option<String>,
    pub account_id: Option<String>,
}

impl GoalInput {
    /// The goal; `account` is the currency of the account that it names.
    pub fn resolve(
        &self,
        id: Uuid,
        household: Currency,
        account: Option<Currency>,
        now: DateTime<Utc>,
    ) -> Result<Goal, Vec<Violation>> {
        let mut violations = Vec::new();
        let name = text::line("name", &self.name, LONGEST_NAME, &mut violations);
        let currency = currency(self.currency_code.as_deref(), account.unwrap_or(household), &mut violations);
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
                version: 1,
                created_at: now,
                updated_at: now,
                is_deleted: false,
            }),
            _ => Err(violations),
        }
    }
}

/// The fields that somebody wants changed; an inner `None` clears one.
#[derive(Debug, Clone, Default)]
pub struct GoalChanges {
    pub name: Option<String>,
    pub target_amount: Option<String>,
    pub currency_code: Option<String>,
    pub due_date: Option<Option<String>>,
    pub account_id: Option<Option<String>>,
}

impl GoalChanges {
    /// The goal as it will be and the names of the fields that differ.
    /// `account` is the currency of the account that the change names.
    pub fn apply(
        &self,
        goal: &Goal,
        account: Option<Currency>,
        now: DateTime<Utc>,
    ) -> Result<(Goal, Vec<&'static str>), Vec<Violation>> {
        let mut violations = Vec::new();
        let mut after = goal.clone();
        if let Some(name) = &self.name {
            after.name = text::line("name", name, LONGEST_NAME, &mut violations);
        }
        if let Some(code) = &self.currency_code
            && Currency::from_code(code) != Some(goal.currency())
        {
            let text = "A goal keeps its currency; make another goal.";
            violations.push(Violation::new("currency_code", "CURRENCY_FIXED", text));
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
        check_currency(Some(goal.currency()), account, &mut violations);
        if !violations.is_empty() {
            return Err(violations);
        }
        let fields = [
            ("name", goal.name != after.name),
            ("target_amount", goal.target != after.target),
            ("due_date", goal.due_date != after.due_date),
            ("account_id", goal.account_id != after.account_id),
        ];
        let changed: Vec<_> =
            fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        if !changed.is_empty() {
            after.settle(now);
            after.version = goal.version.saturating_add(1);
            after.updated_at = now;
        }
        Ok((after, changed))
    }
}

/// The refusal of an account that the household does not have.
pub fn account_unknown() -> Violation {
    Violation::new("account_id", "ACCOUNT_UNKNOWN", "You have no account with this id.")
}

fn account_id(text: Option<&str>, violations: &mut Vec<Violation>) -> Option<Uuid> {
    let found = Uuid::parse_str(text?.trim()).ok();
    if found.is_none() {
        violations.push(account_unknown());
    }
    found
}

fn check_currency(goal: Option<Currency>, account: Option<Currency>, violations: &mut Vec<Violation>) {
    if let (Some(goal), Some(account)) = (goal, account)
        && goal != account
    {
        let text = format!("The account is in {account} and the goal in {goal}; both must be the same.");
        violations.push(Violation::new("account_id", "CURRENCY_MISMATCH", text));
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use fintrac_money::Currency;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::{Goal, GoalChanges, GoalInput};

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
        let refused = other
            .resolve(Uuid::from_u128(1), currency("EUR"), Some(currency("JPY")), now())
            .expect_err("refused");
        assert_eq!((refused[0].field.as_str(), refused[0].reason), ("account_id", "CURRENCY_MISMATCH"));
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
    fn another_target_opens_the_goal_again() {
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
        assert_eq!(same.apply(&goal, None, now()).expect("nothing to refuse").1, Vec::<&str>::new());
    }
}
