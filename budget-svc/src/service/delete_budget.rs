//! Deletes a budget.
//!
//! The budget is kept for its history and is not evaluated any more.

use kit_service::use_case::WriteContext;
use uuid::Uuid;

use super::BudgetUseCases;
use crate::error::Error;
use crate::store::{budgets, category_reference_updates as updates};

impl BudgetUseCases {
    pub async fn delete_budget(
        &self,
        ctx: &WriteContext<()>,
        budget_id: Uuid,
        expected_version: Option<i64>,
    ) -> Result<(), Error> {
        let household_id = ctx.principal.household_id;
        let mut transaction = self.begin_idempotent(ctx).await?;
        let now = self.clock.now();
        let update = updates::insert(&mut transaction, household_id, budget_id, now).await?;
        let versions = budgets::lock(&mut transaction, household_id, &[budget_id]).await?;
        let current_version = *versions.get(&budget_id).ok_or_else(|| Error::not_found("budget"))?;
        Error::check_version(expected_version, current_version)?;
        let version = budgets::delete(&mut transaction, household_id, budget_id, now).await?;
        transaction.record("budget", budget_id, version, "deleted", &["deleted_at"]).await?;
        transaction.commit().await?;
        self.complete_reference_update_now(update).await;
        Ok(())
    }
}
