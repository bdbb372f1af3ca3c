//! Budgets in the periods that hold a day, and the goals: for reports.

use chrono::NaiveDate;
use uuid::Uuid;

use super::Planning;
use super::count_periods::Asked;
use super::get_progress::Progress;
use crate::domain::goal::Goal;
use crate::error::Error;
use crate::store::{budgets, goals};

impl Planning {
    /// For another part of the suite, which knows for whom it asks.
    pub async fn list_plans(
        &self,
        household_id: Uuid,
        day: NaiveDate,
    ) -> Result<(Vec<Progress>, Vec<Goal>), Error> {
        let live = budgets::list(&mut *self.pool.acquire().await?, household_id, None, i64::MAX).await?;
        let goals = goals::list(&mut *self.pool.acquire().await?, household_id, None, i64::MAX).await?;
        let asked = live.iter().filter_map(|budget| {
            let periods = vec![budget.schedule.period_of(day)?];
            Some(Asked { budget, periods })
        });
        let asked: Vec<_> = asked.collect();
        let counted = self.count_periods(household_id, &asked, false).await?;
        let current: Vec<_> = asked.iter().map(|it| (it.budget, it.periods[0])).collect();
        let upcoming = self.upcoming_spending(household_id, &current, day).await?;
        let of_budgets = asked.iter().zip(counted.into_iter().flatten()).zip(&upcoming);
        let budgets = of_budgets
            .map(|((asked, counted), upcoming)| Progress::new(asked.budget, counted, upcoming, day))
            .collect();
        Ok((budgets, goals))
    }
}
