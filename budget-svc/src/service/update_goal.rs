//! Changing a goal. Another target is another race: what it puts out of reach
//! can be reached, and told, again.

use fintrac_kit::access::By;
use fintrac_kit::idempotency::{Kept, Key};
use uuid::Uuid;

use super::{Actor, Change, GoalToday, Planning, merged};
use crate::domain::goal::GoalChanges;
use crate::error::Error;
use crate::store::{goals, milestones};

impl Planning {
    pub async fn update_goal(
        &self,
        by: &By,
        goal_id: Uuid,
        changes: GoalChanges,
        if_version: Option<i64>,
        key: Option<Key>,
        encode: fn(&GoalToday) -> Vec<u8>,
    ) -> Result<Kept<GoalToday>, Error> {
        let household_id = by.principal.household_id;
        let household = self.household(household_id).await?;
        let named = changes.account_id.as_ref().and_then(Option::as_deref);
        let account = self.goal_account(household_id, named).await;
        // The ledger is asked before the transaction begins.
        let mut shown = goals::find(&mut *self.pool.acquire().await?, household_id, goal_id).await?;
        if let (Some(goal), Some(_)) = (&mut shown, &changes.account_id) {
            goal.account_id = named.and_then(|text| Uuid::parse_str(text.trim()).ok());
        }
        let unfunded = self.unfunded(household_id, shown.as_slice()).await?;
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        if let Some(reply) = self.claim(&mut transaction, key.as_ref()).await? {
            return Ok(Kept::Replayed(reply));
        }
        let before = goals::lock(&mut transaction, household_id, goal_id).await?;
        let before = before.filter(|goal| !goal.is_deleted).ok_or(Error::NotFound("goal"))?;
        if if_version.is_some_and(|version| version != before.version) {
            return Err(Error::VersionMismatch);
        }
        let standing = before.account_id.map(|id| id.to_string());
        let (account, refused) = match account? {
            Ok(currency) => (currency, None),
            // What stands already is not judged again.
            Err(_) if standing.as_deref() == named.map(str::trim) => (None, None),
            Err(violation) => (None, Some(violation)),
        };
        let read = changes.apply(&before, account, now);
        let (after, changed) = merged(read, refused.into_iter().collect())?;
        if !changed.is_empty() {
            goals::update(&mut transaction, household_id, &after).await?;
            let actor = Actor::from(by);
            let change = Change {
                entity: "goal",
                entity_id: goal_id,
                version: after.version,
                kind: "updated",
                changed: &changed,
            };
            self.record(&mut transaction, &actor, change).await?;
            if before.target != after.target {
                milestones::forget_unreached(&mut transaction, household_id, &after).await?;
            }
            if before.target != after.target || changed.contains(&"status") {
                self.reach_milestones(&mut transaction, &actor, &after).await?;
            }
            if before.due_date != after.due_date {
                self.skip_reminders(&mut transaction, &household, &after).await?;
            }
        }
        let after = self.goal_today(&household, after, &unfunded);
        self.commit(transaction, key.as_ref(), &encode(&after)).await?;
        Ok(Kept::Fresh(after))
    }
}
