//! Updates a category.

use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency::{IdempotentResult, Key};
use uuid::Uuid;

use super::create_category::{check_parent, name_taken};
use super::{EntityChange, LedgerUseCases};
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
        encode: fn(&Category) -> Vec<u8>,
    ) -> Result<IdempotentResult<Category>, Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.pool.begin().await?;
        if let Some(response) = self.claim_key(&mut transaction, key.as_ref()).await? {
            return Ok(IdempotentResult::Replayed(response));
        }
        households::lock(&mut transaction, &[household.id]).await?;
        let before = categories::find(&mut transaction, household.id, category_id).await?;
        let before = before.ok_or_else(|| Error::not_found("category"))?;
        if expected_version.is_some_and(|version| version != before.version) {
            return Err(Rejection::VersionMismatch.into());
        }
        let (after, changed) = changes.apply(&before, self.clock.now())?;
        if changed.is_empty() {
            return Ok(IdempotentResult::New(before));
        }
        if after.parent_id != before.parent_id {
            check_parent(&mut transaction, household.id, &after).await?;
        }
        categories::update(&mut transaction, household.id, &after).await.map_err(name_taken)?;
        let (entity_id, version) = (after.id, after.version);
        let change =
            EntityChange { entity: "category", entity_id, version, kind: "updated", changed: &changed };
        self.record(&mut transaction, ctx, change).await?;
        self.commit(transaction, key.as_ref(), encode(&after)).await?;
        Ok(IdempotentResult::New(after))
    }
}
