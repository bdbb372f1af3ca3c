//! Deletes a goal.
//!
//! Money stays where it is, and pending contributions complete.

use kit_service::use_case::WriteContext;
use uuid::Uuid;

use super::BudgetUseCases;
use crate::error::Error;
use crate::store::goals;

impl BudgetUseCases {
    pub async fn delete_goal(
        &self,
        ctx: &WriteContext<()>,
        goal_id: Uuid,
        expected_version: Option<i64>,
    ) -> Result<(), Error> {
        let household_id = ctx.principal.household_id;
        let mut transaction = self.begin_idempotent(ctx).await?;
        let goal = goals::lock(&mut transaction, household_id, goal_id).await?;
        let goal = goal.filter(|goal| !goal.is_deleted).ok_or_else(|| Error::not_found("goal"))?;
        Error::check_version(expected_version, goal.version)?;
        let version = goals::delete(&mut transaction, household_id, goal_id, self.clock.now()).await?;
        transaction.record("goal", goal_id, version, "deleted", &["deleted_at"]).await?;
        transaction.commit().await
    }
}
