//! One goal.

use fintrac_kit::access::By;
use uuid::Uuid;

use super::{GoalToday, Planning};
use crate::domain::goal::Goal;
use crate::error::Error;
use crate::store::goals;

impl Planning {
    pub async fn get_goal(&self, by: &By, goal_id: Uuid) -> Result<GoalToday, Error> {
        let goal = self.find_goal(by, goal_id).await?;
        let household = self.household(by.principal.household_id).await?;
        let unfunded = self.unfunded(household.id, std::slice::from_ref(&goal)).await?;
        Ok(self.goal_today(&household, goal, &unfunded))
    }

    pub(super) async fn find_goal(&self, by: &By, goal_id: Uuid) -> Result<Goal, Error> {
        let mut connection = self.pool.acquire().await?;
        let found = goals::find(&mut connection, by.principal.household_id, goal_id).await?;
        found.ok_or(Error::NotFound("goal"))
    }
}
