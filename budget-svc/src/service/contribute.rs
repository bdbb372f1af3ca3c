//! Setting money aside for a goal, and taking it back.
//!
//! Earmarked money changes this service's rows only. Money that moves is
//! written by two parties: first the contribution, pending; then the transfer,
//! whose id is the contribution's, so that it is made once however often it is
//! asked for; then the contribution is done. Whoever finds a pending one later
//! (a repeated request, or the worker after a crash) goes on from there.

use chrono::TimeDelta;
use fintrac_kit::access::By;
use fintrac_kit::error::Violation;
use fintrac_kit::idempotency::{self, Kept, Key};
use fintrac_money::Money;
use uuid::Uuid;

use super::{Actor, Change, Planning, merged};
use crate::domain::contribution::{Contribution, ContributionInput, Direction, State};
use crate::domain::goal::Goal;
use crate::error::Error;
use crate::store::contributions::{self, Plan};
use crate::store::goals;

/// The request itself goes on with its contribution; the worker comes after it.
const HEAD_START: TimeDelta = TimeDelta::seconds(10);

/// The most that is set aside for one goal: what is on its way still fits a number.
const MAX_GOAL_MINOR_UNITS: i64 = 1_000_000_000_000_000_000;

/// How often a request begins anew because a twin of it was refused.
const ROUNDS: usize = 3;

/// What a request asks for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    goal_id: Uuid,
    direction: Direction,
    input: &'a ContributionInput,
}

/// What a request found or made.
enum Begun {
    /// The kept answer of a request with the same key.
    Kept(Vec<u8>),
    /// Written, and done unless money has to move.
    Written(Contribution),
}

impl Planning {
    pub async fn contribute(
        &self,
        by: &By,
        goal_id: Uuid,
        direction: Direction,
        input: ContributionInput,
        key: Option<Key>,
        encode: fn(&Contribution) -> Vec<u8>,
    ) -> Result<Kept<Contribution>, Error> {
        let account = self.goal_account(by.principal.household_id, input.account_id.as_deref()).await;
        let mut unknown = Some(account.map(Result::err));
        for _ in 0..ROUNDS {
            let unknown = unknown.take().unwrap_or(Ok(None));
            let asked = Asked { goal_id, direction, input: &input };
            let begun = self.begin_contribution(by, asked, unknown, key.as_ref(), encode).await?;
            // A twin with the same key may have met the ledger's refusal meanwhile;
            // then nothing stands, and we are the first again.
            match begun {
                Begun::Written(contribution) if contribution.state == State::Done => {
                    return Ok(Kept::Fresh(contribution));
                }
                Begun::Written(contribution) => {
                    if self.finish_pending(&Actor::from(by), contribution.id).await? {
                        return Ok(Kept::Fresh(Contribution { state: State::Done, ..contribution }));
                    }
                }
                Begun::Kept(reply) => {
                    let standing = match &key {
                        Some(key) => {
                            contributions::find_by_key(&mut *self.pool.acquire().await?, key).await?
                        }
                        None => None,
                    };
                    let stands = match standing {
                        Some((id, State::Pending)) => self.finish_pending(&Actor::from(by), id).await?,
                        Some((_, State::Done | State::Voided)) => true,
                        Some((_, State::Refused)) | None => false,
                    };
                    if stands {
                        return Ok(Kept::Replayed(reply));
                    }
                }
            }
        }
        Err(Error::UnderWay)
    }

    /// `unknown`: why the account cannot be moved from, if it cannot.
    async fn begin_contribution(
        &self,
        by: &By,
        Asked { goal_id, direction, input }: Asked<'_>,
        unknown: Result<Option<Violation>, Error>,
        key: Option<&Key>,
        encode: fn(&Contribution) -> Vec<u8>,
    ) -> Result<Begun, Error> {
        let household_id = by.principal.household_id;
        let (actor, now) = (Actor::from(by), self.clock.now());
        let mut transaction = self.pool.begin().await?;
        if let Some(reply) = self.claim(&mut transaction, key).await? {
            return Ok(Begun::Kept(reply));
        }
        let goal = goals::lock(&mut transaction, household_id, goal_id).await?;
        let mut goal = goal.filter(|goal| !goal.is_deleted).ok_or(Error::NotFound("goal"))?;
        if goal.cancelled_at.is_some() && direction == Direction::Contribution {
            return Err(Error::Cancelled);
        }
        let read = input.resolve(self.id(), &goal, direction, by.principal.user_id, now);
        let contribution = merged(read, unknown?.into_iter().collect())?;
        if direction == Direction::Withdrawal {
            let leaving = contributions::leaving(&mut transaction, household_id, goal_id).await?;
            let there = goal.current.minor().saturating_sub(leaving);
            if contribution.amount.minor() > there {
                let there = Money::new(there.max(0), goal.currency());
                let text = format!("{there} {} are set aside; send at most that.", goal.currency());
                return Err(vec![Violation::new("amount", "GOAL_AMOUNT_EXCEEDED", text)].into());
            }
        }
        let sum = goal.current.minor().saturating_add(contribution.counts_when_done());
        if sum.saturating_abs() > MAX_GOAL_MINOR_UNITS {
            let text = "The goal cannot hold that much; send a smaller amount.";
            return Err(vec![Violation::new("amount", "BALANCE_OUT_OF_RANGE", text)].into());
        }
        // The answer once all is done; until then nobody gets it.
        let reply = encode(&Contribution { state: State::Done, ..contribution.clone() });
        let due_at = contribution.moves.map(|_| now + HEAD_START);
        contributions::insert(&mut transaction, household_id, &contribution, &Plan { key, due_at }).await?;
        if contribution.state == State::Done {
            let fits = goal.add(contribution.counts(), now);
            fits.ok_or_else(|| Error::Internal("a goal beyond what can be counted".into()))?;
            goals::update(&mut transaction, household_id, &goal).await?;
            self.record(&mut transaction, &actor, created(&contribution)).await?;
            self.record(&mut transaction, &actor, funded(&goal)).await?;
            self.reach_milestones(&mut transaction, &actor, &goal).await?;
            self.commit(transaction, key, &reply).await?;
            return Ok(Begun::Written(contribution));
        }
        if let Some(key) = key {
            idempotency::store(&mut transaction, key, &reply).await?;
        }
        transaction.commit().await?;
        Ok(Begun::Written(contribution))
    }
}

/// What money that came or went changes of its goal, which is no edit of it.
pub(super) fn funded(goal: &Goal) -> Change<'static> {
    Change {
        entity: "goal",
        entity_id: goal.id,
        version: goal.version,
        kind: "updated",
        changed: &["current_amount"],
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
