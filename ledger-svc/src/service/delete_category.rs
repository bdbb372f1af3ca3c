//! Deleting a category that nothing uses.

use fintrac_kit::access::By;
use fintrac_kit::idempotency::Key;
use uuid::Uuid;

use super::{Change, Ledger};
use crate::domain::posting::Rejection;
use crate::error::Error;
use crate::store::{accounts, categories, households};

impl Ledger {
    pub async fn delete_category(
        &self,
        by: &By,
        category_id: Uuid,
        if_version: Option<i64>,
        key: Option<Key>,
    ) -> Result<(), Error> {
        let household = self.household(by).await?;
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        if self.claim(&mut transaction, key.as_ref()).await?.is_some() {
            return Ok(());
        }
        // Locks are for those that there is something to delete for.
        if categories::find(&mut transaction, household.id, category_id).await?.is_none() {
            return Err(Error::not_found("category"));
        }
        // Whoever posts locks an account first and reads categories afterwards.
        households::lock(&mut transaction, &[household.id]).await?;
        accounts::lock_all(&mut transaction, household.id).await?;
        let category = categories::find(&mut transaction, household.id, category_id).await?;
        let mut category = category.ok_or_else(|| Error::not_found("category"))?;
        if if_version.is_some_and(|version| version != category.version) {
            return Err(Rejection::VersionMismatch.into());
        }
        if categories::is_used(&mut transaction, household.id, category_id).await? {
            return Err(Error::CategoryInUse);
        }
        category.version += 1;
        categories::delete(&mut transaction, household.id, &category, now).await?;
        let (entity_id, version) = (category.id, category.version);
        let change = Change { entity: "category", entity_id, version, kind: "deleted", changed: &[] };
        self.record(&mut transaction, by, change).await?;
        self.commit(transaction, key.as_ref(), Vec::new()).await
    }
}
