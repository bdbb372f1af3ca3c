//! Which of some categories a household has.

use uuid::Uuid;

use super::Ledger;
use crate::domain::posting::Category;
use crate::error::Error;
use crate::store::categories;

impl Ledger {
    /// Returns those of `category_ids` that are live or were merged into a live one.
    pub async fn find_categories(
        &self,
        household_id: Uuid,
        category_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, Category)>, Error> {
        let keys: Vec<_> = category_ids.iter().map(|id| (household_id, *id)).collect();
        let found = categories::find_live(&mut *self.pool.acquire().await?, &keys).await?;
        Ok(found.into_iter().map(|((_, requested), category)| (requested, category)).collect())
    }
}
