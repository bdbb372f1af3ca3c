//! Lists the past periods of a budget, newest first.

use chrono::NaiveDate;
use kit_access::RequestContext;
use kit_core::pagination::{Cursor, Page, PageRequest};
use uuid::Uuid;

use super::BudgetUseCases;
use super::compute_periods::PeriodQuery;
use super::get_progress::Progress;
use crate::domain::period::{Period, Schedule};
use crate::domain::projection::UpcomingByDay;
use crate::error::Error;

impl BudgetUseCases {
    pub async fn list_periods(
        &self,
        ctx: &RequestContext,
        budget_id: Uuid,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Progress>, Error> {
        let page = PageRequest::new(size, token, &format!("periods {budget_id}"))?;
        let budget = self.get_budget(ctx, budget_id).await?;
        let household = self.households.get(ctx.principal.household_id).await?;
        let today = household.today(self.clock.now());
        let schedule = &budget.schedule;
        let newest = match page.after {
            Some(after) => {
                schedule.period_of(after.date()).and_then(|period| schedule.previous_period(period))
            }
            None => last_over(schedule, today),
        };
        let over = std::iter::successors(newest, |period| schedule.previous_period(*period));
        let limit = usize::try_from(page.limit()).unwrap_or_default();
        let page =
            page.paginate(over.take(limit).collect(), |period| Cursor::from_date(period.start, budget_id));
        let mut periods = page.rows;
        periods.reverse();
        let queries = [PeriodQuery { budget: &budget, periods }];
        let summaries = self.compute_periods(household.id, &queries, false).await?;
        // No spending is due in periods that are over.
        let none = UpcomingByDay::new();
        let rows = summaries
            .into_iter()
            .flatten()
            .map(|summary| Progress::new(&budget, summary, &none, today))
            .rev()
            .collect();
        Ok(Page { rows, next_page_token: page.next_page_token })
    }
}

/// Returns the last period that ended before `today`.
fn last_over(schedule: &Schedule, today: NaiveDate) -> Option<Period> {
    let nearest_period = schedule.period_of(schedule.nearest_day(today))?;
    if nearest_period.end < today { Some(nearest_period) } else { schedule.previous_period(nearest_period) }
}
