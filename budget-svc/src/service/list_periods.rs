//! The periods of a budget that are over, newest first.

use chrono::NaiveDate;
use fintrac_kit::access::By;
use fintrac_kit::page::{Cursor, Page, PageRequest};
use uuid::Uuid;

use super::Planning;
use super::count_periods::Asked;
use super::get_progress::Progress;
use crate::domain::period::{Period, Schedule};
use crate::domain::projection::Upcoming;
use crate::error::Error;

impl Planning {
    pub async fn list_periods(
        &self,
        by: &By,
        budget_id: Uuid,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Progress>, Error> {
        let page = PageRequest::new(size, token, &format!("periods {budget_id}"))?;
        let budget = self.get_budget(by, budget_id).await?;
        let household = self.household(by.principal.household_id).await?;
        let today = household.today(self.clock.now());
        let schedule = &budget.schedule;
        let newest = match page.after {
            Some(after) => schedule.period_of(after.day()).and_then(|it| schedule.before(it)),
            None => last_over(schedule, today),
        };
        let over = std::iter::successors(newest, |period| schedule.before(*period));
        let limit = usize::try_from(page.limit()).unwrap_or_default();
        let page = page.cut(over.take(limit).collect(), |it| Cursor::by_day(it.start, budget_id));
        let mut periods = page.rows;
        periods.reverse();
        let asked = [Asked { budget: &budget, periods }];
        let counted = self.count_periods(household.id, &asked, false).await?;
        // They are over: nothing of them is still to come.
        let none = Upcoming::new();
        let rows =
            counted.into_iter().flatten().map(|it| Progress::new(&budget, it, &none, today)).rev().collect();
        Ok(Page { rows, next: page.next })
    }
}

/// The last period that ended before `today`.
fn last_over(schedule: &Schedule, today: NaiveDate) -> Option<Period> {
    let nearest = schedule.period_of(schedule.nearest(today))?;
    if nearest.end < today { Some(nearest) } else { schedule.before(nearest) }
}
