//! Which of some categories a household has.

use uuid::Uuid;

use super::Ledger;
use crate::domain::category::CategoryType;
use crate::error::Error;
use crate::store::categories;

impl Ledger {
    /// The live ones among `category_ids`.
    pub async fn find_categories(
        &self,
        household_id: Uuid,
        category_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, CategoryType)>, Error> {
        let keys: Vec<_> = category_ids.iter().map(|id| (household_id, *id)).collect();
        let found = categories::types(&mut *self.pool.acquire().await?, &keys).await?;
        Ok(found.into_iter().map(|((_, id), category_type)| (id, category_type)).collect())
    }
}
