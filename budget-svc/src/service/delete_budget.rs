//! Deletes a budget.
//!
//! The budget is kept for its history and is not evaluated any more.

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::ProblemCode;
use fintrac_kit::idempotency::Key;
use uuid::Uuid;

use super::{Actor, BudgetUseCases, EntityChange};
use crate::error::Error;
use crate::store::{budgets, category_reference_updates as updates};

impl BudgetUseCases {
    pub async fn delete_budget(
        &self,
        ctx: &RequestContext,
        budget_id: Uuid,
        expected_version: Option<i64>,
        key: Option<Key>,
    ) -> Result<(), Error> {
        let household_id = ctx.principal.household_id;
        let mut transaction = self.pool.begin().await?;
        if self.claim_key(&mut transaction, key.as_ref()).await?.is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        let update = updates::insert(&mut transaction, household_id, budget_id, now).await?;
        let versions = budgets::lock(&mut transaction, household_id, &[budget_id]).await?;
        let current_version = *versions.get(&budget_id).ok_or(Error::NotFound("budget"))?;
        if expected_version.is_some_and(|version| version != current_version) {
            return Err(ProblemCode::VersionMismatch.into());
        }
        let version = budgets::delete(&mut transaction, household_id, budget_id, now).await?;
        let change = EntityChange {
            entity: "budget",
            entity_id: budget_id,
            version,
            kind: "deleted",
            changed: &["deleted_at"],
        };
        self.record(&mut transaction, &Actor::from(ctx), change).await?;
        self.commit(transaction, key.as_ref(), &[]).await?;
        self.complete_reference_update_now(update).await;
        Ok(())
    }
}
