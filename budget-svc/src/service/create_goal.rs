//! A new goal.

use std::collections::HashMap;

use fintrac_kit::access::By;
use fintrac_kit::error::Violation;
use fintrac_kit::idempotency::{Kept, Key};

use super::{Actor, Change, GoalToday, Planning, merged};
use crate::domain::goal::GoalInput;
use crate::error::Error;
use crate::store::goals;

/// A household is no place to store data by the million.
const MOST_GOALS: i64 = 500;

impl Planning {
    pub async fn create_goal(
        &self,
        by: &By,
        input: GoalInput,
        key: Option<Key>,
        encode: fn(&GoalToday) -> Vec<u8>,
    ) -> Result<Kept<GoalToday>, Error> {
        let household_id = by.principal.household_id;
        let household = self.household(household_id).await?;
        let account = self.goal_account(household_id, input.account_id.as_deref()).await;
        let default = match (&input.currency_code, &account) {
            (None, Ok(Ok(None))) => self.default_currency(by).await,
            _ => Ok(household.currency),
        };
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        // A repeated request gets its answer, whatever has become of the account.
        if let Some(reply) = self.claim(&mut transaction, key.as_ref()).await? {
            return Ok(Kept::Replayed(reply));
        }
        let (account, refused) = match account? {
            Ok(currency) => (currency, None),
            Err(violation) => (None, Some(violation)),
        };
        let read = input.resolve(self.id(), default?, account, now);
        let goal = merged(read, refused.into_iter().collect())?;
        if goals::count(&mut transaction, household_id).await? >= MOST_GOALS {
            let text = "You have 500 goals; delete one first.";
            return Err(vec![Violation::new("name", "TOO_MANY", text)].into());
        }
        goals::insert(&mut transaction, household_id, &goal).await?;
        self.skip_reminders(&mut transaction, &household, &goal).await?;
        let change = Change { entity: "goal", entity_id: goal.id, version: 1, kind: "created", changed: &[] };
        self.record(&mut transaction, &Actor::from(by), change).await?;
        let unfunded = HashMap::from([(goal.id, goal.current)]);
        let goal = self.goal_today(&household, goal, &unfunded);
        self.commit(transaction, key.as_ref(), &encode(&goal)).await?;
        Ok(Kept::Fresh(goal))
    }
}
