//! Deleting a goal: money stays where it is, and what is on its way arrives.

use fintrac_kit::access::By;
use fintrac_kit::idempotency::Key;
use uuid::Uuid;

use super::{Actor, Change, Planning};
use crate::error::Error;
use crate::store::goals;

impl Planning {
    pub async fn delete_goal(
        &self,
        by: &By,
        goal_id: Uuid,
        if_version: Option<i64>,
        key: Option<Key>,
    ) -> Result<(), Error> {
        let household_id = by.principal.household_id;
        let mut transaction = self.pool.begin().await?;
        if self.claim(&mut transaction, key.as_ref()).await?.is_some() {
            return Ok(());
        }
        let goal = goals::lock(&mut transaction, household_id, goal_id).await?;
        let goal = goal.filter(|goal| !goal.is_deleted).ok_or(Error::NotFound("goal"))?;
        if if_version.is_some_and(|version| version != goal.version) {
            return Err(Error::VersionMismatch);
        }
        let version = goals::delete(&mut transaction, household_id, goal_id, self.clock.now()).await?;
        let change =
            Change { entity: "goal", entity_id: goal_id, version, kind: "deleted", changed: &["deleted_at"] };
        self.record(&mut transaction, &Actor::from(by), change).await?;
        self.commit(transaction, key.as_ref(), &[]).await
    }
}
