//! Lists the contributions and withdrawals of a goal, newest first.

use kit_access::RequestContext;
use kit_core::pagination::{Cursor, Page, PageRequest};
use uuid::Uuid;

use super::BudgetUseCases;
use crate::domain::contribution::Contribution;
use crate::error::Error;
use crate::store::contributions;

impl BudgetUseCases {
    pub async fn list_contributions(
        &self,
        ctx: &RequestContext,
        goal_id: Uuid,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Contribution>, Error> {
        let page = PageRequest::new(size, token, &format!("contributions {goal_id}"))?;
        let goal = self.find_goal(ctx, goal_id).await?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let household_id = ctx.principal.household_id;
        let rows = contributions::list(&mut connection, household_id, goal.id, before, page.limit()).await?;
        Ok(page.paginate(rows, |contribution| Cursor::from_id(contribution.id)))
    }
}
