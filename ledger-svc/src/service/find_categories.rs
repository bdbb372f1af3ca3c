//! Finds categories of a household, for other services.

use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::category::CategoryRef;
use crate::error::Error;
use crate::store::categories;

impl LedgerUseCases {
    /// Returns the `category_ids` that are live or merged into a live category.
    pub async fn find_categories(
        &self,
        household_id: Uuid,
        category_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, CategoryRef)>, Error> {
        let keys: Vec<_> = category_ids.iter().map(|id| (household_id, *id)).collect();
        let found = categories::find_live(&mut *self.pool.acquire().await?, &keys).await?;
        Ok(found.into_iter().map(|((_, requested), category)| (requested, category)).collect())
    }
}
