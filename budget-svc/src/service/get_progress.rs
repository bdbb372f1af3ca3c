//! How a budget stands in the period that holds a day.

use fintrac_kit::access::By;
use fintrac_kit::day;
use fintrac_kit::error::Violation;
use fintrac_money::Money;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Planning;
use super::sum_spending::{Spending, query};
use crate::domain::alert::Standing;
use crate::domain::percent;
use crate::domain::period::Period;
use crate::error::Error;

#[derive(Debug, Clone)]
pub struct Progress {
    pub budget_id: Uuid,
    pub period: Period,
    pub budgeted: Money,
    pub spending: Spending,
    pub remaining: Money,
    pub percent: Decimal,
    pub days_left: i32,
    pub standing: Standing,
}

impl Planning {
    /// `date` empty: today, or the day nearest to it on which the budget runs.
    pub async fn get_progress(&self, by: &By, budget_id: Uuid, date: &str) -> Result<Progress, Error> {
        let budget = self.get_budget(by, budget_id).await?;
        let household = self.household(by.principal.household_id).await?;
        let today = household.today(self.clock.now());
        let schedule = &budget.schedule;
        let wanted = if date.is_empty() {
            Some(schedule.nearest(today))
        } else {
            day::parse(date).filter(|_| date.len() == 10)
        };
        let period = wanted.and_then(|day| schedule.period_of(day)).ok_or_else(|| {
            let end = schedule.end.map(|end| format!(" to {end}")).unwrap_or_default();
            let text =
                format!("Send a day as YYYY-MM-DD on which the budget runs: from {}{end}.", schedule.start);
            Error::Query(vec![Violation::new("date", "PARAMETER_INVALID", text)])
        })?;
        let terms = budget.terms_in(period);
        let mut answers = self.sum_spending(household.id, vec![query(&budget, terms, period)], true).await?;
        let spending = answers.pop().ok_or_else(|| Error::Internal("no answer of the ledger".into()))?;
        let (budgeted, spent) = (terms.amount.minor(), spending.amount.minor());
        Ok(Progress {
            budget_id,
            period,
            budgeted: terms.amount,
            remaining: Money::new(budgeted.saturating_sub(spent), budget.currency),
            percent: percent::of(spent, budgeted),
            days_left: period.days_left(today),
            standing: Standing::of(spent, budgeted, &budget.thresholds),
            spending,
        })
    }
}
