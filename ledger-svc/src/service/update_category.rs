//! Updates a category.

use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency::{IdempotentResult, Key};
use uuid::Uuid;

use super::create_category::{check_parent, name_taken};
use super::{Encode, LedgerUseCases};
use crate::domain::category::{Category, CategoryChanges};
use crate::domain::posting::Rejection;
use crate::error::Error;
use crate::store::{categories, households};

impl LedgerUseCases {
    pub async fn update_category(
        &self,
        ctx: &RequestContext,
        category_id: Uuid,
        changes: CategoryChanges,
        expected_version: Option<i64>,
        key: Option<Key>,
        encode: Encode<Category>,
    ) -> Result<IdempotentResult<Category>, Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.pool.begin().await?;
        if let Some(response) = self.claim_key(&mut transaction, key.as_ref()).await? {
            return Ok(IdempotentResult::Replayed(response));
        }
        households::lock(&mut transaction, &[household.id]).await?;
        let before = categories::find(&mut transaction, household.id, category_id).await?;
        let before = before.ok_or_else(|| Error::not_found("category"))?;
        Rejection::check_version(expected_version, before.version)?;
        let (after, changed) = changes.apply(&before, self.clock.now())?;
        if changed.is_empty() {
            return Ok(IdempotentResult::New(before));
        }
        if after.parent_id != before.parent_id {
            check_parent(&mut transaction, household.id, &after).await?;
        }
        categories::update(&mut transaction, household.id, &after).await.map_err(name_taken)?;
        self.record(&mut transaction, ctx, ("category", after.id, after.version), "updated", &changed)
            .await?;
        self.commit_with(transaction, (key, encode), after).await
    }
}
