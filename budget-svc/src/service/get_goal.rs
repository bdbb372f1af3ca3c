//! Gets a goal.

use kit_access::RequestContext;
use uuid::Uuid;

use super::{BudgetUseCases, GoalStatus};
use crate::domain::goal::Goal;
use crate::error::Error;
use crate::store::goals;

impl BudgetUseCases {
    pub async fn get_goal(&self, ctx: &RequestContext, goal_id: Uuid) -> Result<GoalStatus, Error> {
        let goal = self.find_goal(ctx, goal_id).await?;
        let household = self.households.get(ctx.principal.household_id).await?;
        let unfunded = self.unfunded(household.id, std::slice::from_ref(&goal)).await?;
        Ok(self.goal_status(&household, goal, &unfunded))
    }

    pub(super) async fn find_goal(&self, ctx: &RequestContext, goal_id: Uuid) -> Result<Goal, Error> {
        let mut connection = self.pool.acquire().await?;
        let found = goals::find(&mut connection, ctx.principal.household_id, goal_id).await?;
        found.ok_or_else(|| Error::not_found("goal"))
    }
}
