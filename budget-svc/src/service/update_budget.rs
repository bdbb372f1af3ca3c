//! Changing a budget. Amount, categories and rollover hold from the current period on.

use fintrac_kit::access::By;
use fintrac_kit::idempotency::{Kept, Key};
use uuid::Uuid;

use super::check_categories::{merged, refusals};
use super::{Actor, Change, Planning};
use crate::domain::budget::{Budget, BudgetChanges};
use crate::error::Error;
use crate::store::{budgets, looks};

impl Planning {
    pub async fn update_budget(
        &self,
        by: &By,
        budget_id: Uuid,
        changes: BudgetChanges,
        if_version: Option<i64>,
        key: Option<Key>,
        encode: fn(&Budget) -> Vec<u8>,
    ) -> Result<Kept<Budget>, Error> {
        let household_id = by.principal.household_id;
        let household = self.household(household_id).await?;
        let unknown = match &changes.categories {
            Some(words) => self.check_categories(household_id, words).await,
            None => Ok(Vec::new()),
        };
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        if let Some(reply) = self.claim(&mut transaction, key.as_ref()).await? {
            return Ok(Kept::Replayed(reply));
        }
        budgets::lock(&mut transaction, household_id, &[budget_id]).await?;
        let before = budgets::find(&mut transaction, household_id, budget_id).await?;
        let before = before.ok_or(Error::NotFound("budget"))?;
        if if_version.is_some_and(|version| version != before.version) {
            return Err(Error::VersionMismatch);
        }
        let (after, changed) = merged(
            changes.apply(&before, household.today(now), now),
            refusals(unknown?, &before.terms.category_ids),
        )?;
        if !changed.is_empty() {
            budgets::update(&mut transaction, household_id, &after).await?;
            let change = Change {
                entity: "budget",
                entity_id: budget_id,
                version: after.version,
                kind: "updated",
                changed: &changed,
            };
            self.record(&mut transaction, &Actor::from(by), change).await?;
            looks::mark(&mut transaction, &[household_id], now).await?;
        }
        self.commit(transaction, key.as_ref(), &encode(&after)).await?;
        Ok(Kept::Fresh(after))
    }
}
