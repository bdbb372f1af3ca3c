//! Lists the household's goals in the order of their creation.

use kit_access::RequestContext;
use kit_core::pagination::{Cursor, Page, PageRequest};

use super::{BudgetUseCases, GoalStatus};
use crate::error::Error;
use crate::store::goals;

impl BudgetUseCases {
    pub async fn list_goals(
        &self,
        ctx: &RequestContext,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<GoalStatus>, Error> {
        let page = PageRequest::new(size, token, "goals")?;
        let household = self.households.get(ctx.principal.household_id).await?;
        let after = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = goals::list(&mut connection, household.id, after, page.limit()).await?;
        let page = page.paginate(rows, |goal| Cursor::from_id(goal.id));
        drop(connection);
        let unfunded = self.unfunded(household.id, &page.rows).await?;
        let rows = page.rows.into_iter().map(|goal| self.goal_status(&household, goal, &unfunded)).collect();
        Ok(Page { rows, next_page_token: page.next_page_token })
    }
}
