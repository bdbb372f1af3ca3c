//! Setting money aside for a goal.
//!
//! Earmarked money changes this service's rows only. Money that moves is
//! written by two parties: first the contribution, pending; then the transfer,
//! whose id is the contribution's, so that it is made once however often it is
//! asked for; then the contribution is done. Whoever finds a pending one later
//! (a repeated request, or the worker after a crash) goes on from there.

use chrono::TimeDelta;
use fintrac_kit::access::By;
use fintrac_kit::idempotency::{self, Kept, Key};
use uuid::Uuid;

use super::{Actor, Change, Planning};
use crate::domain::contribution::{Contribution, ContributionInput, State};
use crate::error::Error;
use crate::store::contributions::{self, Plan};
use crate::store::goals;

/// The request itself goes on with its contribution; the worker comes after it.
const HEAD_START: TimeDelta = TimeDelta::seconds(10);

impl Planning {
    pub async fn contribute(
        &self,
        by: &By,
        goal_id: Uuid,
        input: ContributionInput,
        key: Option<Key>,
        encode: fn(&Contribution) -> Vec<u8>,
    ) -> Result<Kept<Contribution>, Error> {
        let household_id = by.principal.household_id;
        let now = self.clock.now();
        let actor = Actor::from(by);
        let mut transaction = self.pool.begin().await?;
        if let Some(reply) = self.claim(&mut transaction, key.as_ref()).await? {
            drop(transaction);
            return self.contributed(key.as_ref(), reply).await;
        }
        let goal = goals::lock(&mut transaction, household_id, goal_id).await?;
        let mut goal = goal.filter(|goal| !goal.is_deleted).ok_or(Error::NotFound("goal"))?;
        let contribution = input.resolve(self.id(), &goal, by.principal.user_id, now)?;
        // The answer once all is done; until then nobody gets it.
        let done = Contribution { state: State::Done, ..contribution.clone() };
        let reply = encode(&done);
        let due_at = contribution.moves.map(|_| now + HEAD_START);
        let plan = Plan { key: key.as_ref(), due_at };
        contributions::insert(&mut transaction, household_id, &contribution, &plan).await?;
        if contribution.state == State::Done {
            let fits = goal.add(contribution.amount.minor(), now);
            fits.ok_or_else(|| Error::Internal("a goal beyond what can be counted".into()))?;
            goals::update(&mut transaction, household_id, &goal).await?;
            let change = created(&contribution);
            self.record(&mut transaction, &actor, change).await?;
            self.reach_milestones(&mut transaction, &actor, &goal).await?;
            self.commit(transaction, key.as_ref(), &reply).await?;
            return Ok(Kept::Fresh(contribution));
        }
        if let Some(key) = &key {
            idempotency::store(&mut transaction, key, &reply).await?;
        }
        transaction.commit().await?;
        self.finish_contribution(&actor, contribution.id).await?;
        Ok(Kept::Fresh(done))
    }

    /// A repeated request: its money may still be on the way.
    async fn contributed(&self, key: Option<&Key>, reply: Vec<u8>) -> Result<Kept<Contribution>, Error> {
        if let Some(key) = key {
            let pending = contributions::find_pending(&mut *self.pool.acquire().await?, key).await?;
            if let Some(id) = pending {
                self.finish_contribution(&Actor::service(key.household_id, Some(key.user_id)), id).await?;
            }
        }
        Ok(Kept::Replayed(reply))
    }
}

/// Told when it is done: what is refused never was.
pub(super) fn created(contribution: &Contribution) -> Change<'static> {
    Change {
        entity: "contribution",
        entity_id: contribution.id,
        version: contribution.version,
        kind: "created",
        changed: &[],
    }
}
