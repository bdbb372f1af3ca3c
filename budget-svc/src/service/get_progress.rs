//! How a budget stands in the period that holds a day.

use chrono::NaiveDate;
use fintrac_kit::access::By;
use fintrac_kit::day;
use fintrac_kit::error::Violation;
use fintrac_money::Money;
use uuid::Uuid;

use super::Planning;
use super::count_periods::{Asked, Counted};
use crate::domain::budget::Budget;
use crate::domain::projection::{self, Upcoming};
use crate::error::Error;

/// A period of a budget as it stands on a day.
#[derive(Debug, Clone)]
pub struct Progress {
    pub budget_id: Uuid,
    pub budget_name: String,
    pub counted: Counted,
    pub days_left: i32,
    /// Spending by the end of the period: so far, and what is known to come.
    pub projected: Money,
    /// When all of it will be spent, if in this period.
    pub runs_out_on: Option<NaiveDate>,
}

impl Progress {
    pub(super) fn new(budget: &Budget, counted: Counted, upcoming: &Upcoming, today: NaiveDate) -> Self {
        let (period, spent) = (counted.period, counted.spending.amount.minor());
        Self {
            budget_id: budget.id,
            budget_name: budget.name.clone(),
            days_left: period.days_left(today),
            projected: Money::new(projection::projected(spent, upcoming, period, today), budget.currency),
            runs_out_on: projection::exhausted_on(spent, counted.budgeted.minor(), upcoming, period, today),
            counted,
        }
    }
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
        let asked = [Asked { budget: &budget, periods: vec![period] }];
        let counted = self.count_periods(household.id, &asked, true).await?;
        let counted = counted.into_iter().flatten().next();
        let counted = counted.ok_or_else(|| Error::Internal("no answer of the ledger".into()))?;
        let upcoming = self.upcoming_spending(household.id, &[(&budget, period)], today).await?;
        let upcoming = upcoming.into_iter().next().unwrap_or_default();
        Ok(Progress::new(&budget, counted, &upcoming, today))
    }
}
