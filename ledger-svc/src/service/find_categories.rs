//! Which of some categories a household has.

use uuid::Uuid;

use super::Ledger;
use crate::domain::category::CategoryType;
use crate::error::Error;
use crate::store::categories;

impl Ledger {
    /// Those of `category_ids` that are live or went over into a live one.
    pub async fn find_categories(
        &self,
        household_id: Uuid,
        category_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, CategoryType)>, Error> {
        let keys: Vec<_> = category_ids.iter().map(|id| (household_id, *id)).collect();
        let found = categories::live(&mut *self.pool.acquire().await?, &keys).await?;
        Ok(found.into_iter().map(|((_, id), category)| (id, category.category_type)).collect())
    }
}
