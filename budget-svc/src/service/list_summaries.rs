//! Lists budgets in the periods that contain a day, and goals, for reports.

use chrono::NaiveDate;
use uuid::Uuid;

use super::BudgetUseCases;
use super::compute_periods::PeriodQuery;
use super::get_progress::Progress;
use crate::domain::goal::Goal;
use crate::error::Error;
use crate::store::{budgets, goals};

impl BudgetUseCases {
    /// Lists them for another service, which names the household.
    pub async fn list_summaries(
        &self,
        household_id: Uuid,
        day: NaiveDate,
    ) -> Result<(Vec<Progress>, Vec<Goal>), Error> {
        let live = budgets::list(&mut *self.pool.acquire().await?, household_id, None, i64::MAX).await?;
        let goals = goals::list(&mut *self.pool.acquire().await?, household_id, None, i64::MAX).await?;
        let queries = live.iter().filter_map(|budget| {
            let periods = vec![budget.schedule.period_of(day)?];
            Some(PeriodQuery { budget, periods })
        });
        let queries: Vec<_> = queries.collect();
        let summaries = self.compute_periods(household_id, &queries, false).await?;
        let current: Vec<_> = queries.iter().map(|query| (query.budget, query.periods[0])).collect();
        let upcoming = self.upcoming_spending(household_id, &current, day).await?;
        let rows = queries.iter().zip(summaries.into_iter().flatten()).zip(&upcoming);
        let budgets = rows
            .map(|((query, summary), upcoming)| Progress::new(query.budget, summary, upcoming, day))
            .collect();
        Ok((budgets, goals))
    }
}
