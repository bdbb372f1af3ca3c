//! Gets the progress of a budget in the period that contains a day.

use chrono::NaiveDate;
use fintrac_money::Money;
use kit_access::RequestContext;
use kit_core::date;
use kit_core::error::FieldViolation;
use uuid::Uuid;

use super::BudgetUseCases;
use super::compute_periods::{PeriodQuery, PeriodSummary};
use crate::domain::budget::Budget;
use crate::domain::projection::{self, UpcomingByDay};
use crate::error::Error;

/// The progress of a budget in a period, as of a day.
#[derive(Debug, Clone)]
pub struct Progress {
    pub budget_id: Uuid,
    pub budget_name: String,
    pub summary: PeriodSummary,
    pub days_left: i32,
    /// The projected spending: so far, plus what is due until the period ends.
    pub projected: Money,
    /// The day on which all of the budget will be spent, if in this period.
    pub exhausted_on: Option<NaiveDate>,
}

impl Progress {
    pub(super) fn new(
        budget: &Budget,
        summary: PeriodSummary,
        upcoming: &UpcomingByDay,
        today: NaiveDate,
    ) -> Self {
        let (period, spent) = (summary.period, summary.spending.amount.minor());
        Self {
            budget_id: budget.id,
            budget_name: budget.name.clone(),
            days_left: period.days_left(today),
            projected: Money::new(
                projection::projected_spending(spent, upcoming, period, today),
                budget.currency,
            ),
            exhausted_on: projection::exhausted_on(spent, summary.budgeted.minor(), upcoming, period, today),
            summary,
        }
    }
}

impl BudgetUseCases {
    /// Gets the progress in the period that contains `date`.
    /// If `date` is empty, that is today or the nearest day on which the budget runs.
    pub async fn get_progress(
        &self,
        ctx: &RequestContext,
        budget_id: Uuid,
        date: &str,
    ) -> Result<Progress, Error> {
        let budget = self.get_budget(ctx, budget_id).await?;
        let household = self.households.get(ctx.principal.household_id).await?;
        let today = household.today(self.clock.now());
        let schedule = &budget.schedule;
        let requested_day = if date.is_empty() {
            Some(schedule.nearest_day(today))
        } else {
            date::parse(date).filter(|_| date.len() == 10)
        };
        let period = requested_day.and_then(|day| schedule.period_of(day)).ok_or_else(|| {
            let end = schedule.end.map(|end| format!(" to {end}")).unwrap_or_default();
            let text = format!(
                "The budget is active from {}{end}. Send a day in that span as YYYY-MM-DD.",
                schedule.start
            );
            Error::query(vec![FieldViolation::parameter("date", text)])
        })?;
        let queries = [PeriodQuery { budget: &budget, periods: vec![period] }];
        let summary = self.compute_periods(household.id, &queries, true).await?;
        let summary = summary.into_iter().flatten().next();
        let summary =
            summary.ok_or_else(|| Error::Internal("the response of the ledger has no sums".into()))?;
        let upcoming = self.upcoming_spending(household.id, &[(&budget, period)], today).await?;
        let upcoming = upcoming.into_iter().next().unwrap_or_default();
        Ok(Progress::new(&budget, summary, &upcoming, today))
    }
}
