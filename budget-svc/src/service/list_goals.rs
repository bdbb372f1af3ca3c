//! The household's goals, in the order in which they were made.

use fintrac_kit::access::By;
use fintrac_kit::page::{Cursor, Page, PageRequest};

use super::{GoalToday, Planning};
use crate::error::Error;
use crate::store::goals;

impl Planning {
    pub async fn list_goals(
        &self,
        by: &By,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<GoalToday>, Error> {
        let page = PageRequest::new(size, token, "goals")?;
        let household = self.household(by.principal.household_id).await?;
        let after = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = goals::list(&mut connection, household.id, after, page.limit()).await?;
        let page = page.cut(rows, |goal| Cursor::by_id(goal.id));
        drop(connection);
        let unfunded = self.unfunded(household.id, &page.rows).await?;
        let rows = page.rows.into_iter().map(|goal| self.goal_today(&household, goal, &unfunded)).collect();
        Ok(Page { rows, next: page.next })
    }
}
