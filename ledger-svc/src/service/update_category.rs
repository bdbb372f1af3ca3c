//! Updates a category.

use kit_service::use_case::WriteContext;
use uuid::Uuid;

use super::LedgerUseCases;
use super::create_category::{check_parent, name_taken};
use crate::domain::category::{Category, CategoryChanges};
use crate::error::Error;
use crate::store::{categories, households};

impl LedgerUseCases {
    pub async fn update_category(
        &self,
        ctx: &WriteContext<Category>,
        category_id: Uuid,
        changes: CategoryChanges,
        expected_version: Option<i64>,
    ) -> Result<Category, Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.begin_idempotent(ctx).await?;
        households::lock(&mut transaction, &[household.id]).await?;
        let before = categories::find(&mut transaction, household.id, category_id).await?;
        let before = before.ok_or_else(|| Error::not_found("category"))?;
        Error::check_version(expected_version, before.version)?;
        let (after, changed) = changes.apply(&before, self.clock.now())?;
        if changed.is_empty() {
            return Ok(before);
        }
        if after.parent_id != before.parent_id {
            check_parent(&mut transaction, household.id, &after).await?;
        }
        categories::update(&mut transaction, household.id, &after).await.map_err(name_taken)?;
        transaction.record("category", after.id, after.version, "updated", &changed).await?;
        transaction.commit_with(after).await
    }
}
