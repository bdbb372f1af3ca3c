//! One goal.

use fintrac_kit::access::By;
use uuid::Uuid;

use super::Planning;
use crate::domain::goal::Goal;
use crate::error::Error;
use crate::store::goals;

impl Planning {
    pub async fn get_goal(&self, by: &By, goal_id: Uuid) -> Result<Goal, Error> {
        let mut connection = self.pool.acquire().await?;
        let found = goals::find(&mut connection, by.principal.household_id, goal_id).await?;
        found.ok_or(Error::NotFound("goal"))
    }
}
