//! A new budget.

use fintrac_kit::access::By;
use fintrac_kit::error::Violation;
use fintrac_kit::idempotency::{Kept, Key};

use super::check_categories::{merged, refusals};
use super::{Actor, Change, Planning};
use crate::domain::budget::{Budget, BudgetInput};
use crate::error::Error;
use crate::store::{budgets, looks};

/// Every look at a household reads all of its budgets.
const MOST_BUDGETS: i64 = 200;

impl Planning {
    pub async fn create_budget(
        &self,
        by: &By,
        input: BudgetInput,
        key: Option<Key>,
        encode: fn(&Budget) -> Vec<u8>,
    ) -> Result<Kept<Budget>, Error> {
        let household_id = by.principal.household_id;
        let household = self.household(household_id).await?;
        let unknown = self.check_categories(household_id, &input.categories).await;
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        // A repeated request gets its answer, whatever has become of the categories.
        if let Some(reply) = self.claim(&mut transaction, key.as_ref()).await? {
            return Ok(Kept::Replayed(reply));
        }
        let budget = merged(input.resolve(self.id(), &household, now), refusals(unknown?, &[]))?;
        if budgets::count(&mut transaction, household_id).await? >= MOST_BUDGETS {
            let text = "You have 200 budgets; delete one first.";
            return Err(vec![Violation::new("name", "TOO_MANY", text)].into());
        }
        budgets::insert(&mut transaction, household_id, &budget).await?;
        let change =
            Change { entity: "budget", entity_id: budget.id, version: 1, kind: "created", changed: &[] };
        self.record(&mut transaction, &Actor::from(by), change).await?;
        // What is spent already may pass a threshold.
        looks::mark(&mut transaction, &[household_id], now).await?;
        self.commit(transaction, key.as_ref(), &encode(&budget)).await?;
        Ok(Kept::Fresh(budget))
    }
}
