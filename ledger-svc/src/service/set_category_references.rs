//! Sets the categories that an entity of another service references.

use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::category::CategoryRef;
use crate::error::Error;
use crate::store::category_references::{self, Referrer};
use crate::store::{categories, households};

impl LedgerUseCases {
    /// Adds references to the categories that exist and removes older ones.
    ///
    /// Returns the categories that exist, each under the requested id; the others
    /// get no reference. References to other categories are removed up to the
    /// generation `remove_to`.
    pub async fn set_category_references(
        &self,
        referrer: &Referrer,
        category_ids: &[Uuid],
        generation: i64,
        remove_to: Option<i64>,
    ) -> Result<Vec<(Uuid, CategoryRef)>, Error> {
        let household_id = referrer.household_id;
        let mut transaction = self.pool.begin().await?;
        // Deleting a category locks the household first.
        households::lock(&mut transaction, &[household_id]).await?;
        let keys: Vec<_> = category_ids.iter().map(|id| (household_id, *id)).collect();
        let found = categories::find_live(&mut transaction, &keys).await?;
        let referenced: Vec<_> = found.iter().map(|(_, category)| category.id).collect();
        // A late message about a completed change adds nothing.
        let complete_to = category_references::complete_to(&mut transaction, referrer).await?;
        if complete_to.is_none_or(|complete_to| generation > complete_to) {
            category_references::add(&mut transaction, referrer, &referenced, generation).await?;
        }
        if let Some(remove_to) = remove_to {
            category_references::remove_others(&mut transaction, referrer, &referenced, remove_to).await?;
            category_references::set_complete_to(&mut transaction, referrer, remove_to).await?;
        }
        transaction.commit().await?;
        Ok(found.into_iter().map(|((_, requested), category)| (requested, category)).collect())
    }
}
