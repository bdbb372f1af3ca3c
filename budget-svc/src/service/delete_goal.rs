//! Deletes a goal.
//!
//! Money stays where it is, and pending contributions complete.

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::ProblemCode;
use fintrac_kit::idempotency::Key;
use uuid::Uuid;

use super::{Actor, BudgetUseCases, EntityChange};
use crate::error::Error;
use crate::store::goals;

impl BudgetUseCases {
    pub async fn delete_goal(
        &self,
        ctx: &RequestContext,
        goal_id: Uuid,
        expected_version: Option<i64>,
        key: Option<Key>,
    ) -> Result<(), Error> {
        let household_id = ctx.principal.household_id;
        let mut transaction = self.pool.begin().await?;
        if self.claim_key(&mut transaction, key.as_ref()).await?.is_some() {
            return Ok(());
        }
        let goal = goals::lock(&mut transaction, household_id, goal_id).await?;
        let goal = goal.filter(|goal| !goal.is_deleted).ok_or(Error::NotFound("goal"))?;
        if expected_version.is_some_and(|version| version != goal.version) {
            return Err(ProblemCode::VersionMismatch.into());
        }
        let version = goals::delete(&mut transaction, household_id, goal_id, self.clock.now()).await?;
        let change = EntityChange {
            entity: "goal",
            entity_id: goal_id,
            version,
            kind: "deleted",
            changed: &["deleted_at"],
        };
        self.record(&mut transaction, &Actor::from(ctx), change).await?;
        self.commit(transaction, key.as_ref(), &[]).await
    }
}
