//! Setting money aside for a goal, and taking it back.
//!
//! Earmarked money changes this service's rows only. Money that moves is
//! written by two parties: first the contribution, pending; then the transfer,
//! whose id is the contribution's, so that it is made once however often it is
//! asked for; then the contribution is done. Whoever finds a pending one later
//! (a repeated request, or the worker after a crash) goes on from there.

use chrono::TimeDelta;
use fintrac_kit::access::RequestContext;
use fintrac_kit::error::FieldViolation;
use fintrac_kit::idempotency::{self, Key, Stored};
use fintrac_money::Money;
use uuid::Uuid;

use super::{Actor, BudgetUseCases, EntityChange, merge_violations};
use crate::domain::contribution::{Contribution, ContributionInput, ContributionState, Direction};
use crate::domain::goal::Goal;
use crate::error::Error;
use crate::store::contributions::{self, ContributionMetadata};
use crate::store::goals;

/// The request itself goes on with its contribution; the worker comes after it.
const WORKER_DELAY: TimeDelta = TimeDelta::seconds(10);

/// The most that is set aside for one goal: what is on its way still fits a number.
const MAX_GOAL_MINOR_UNITS: i64 = 1_000_000_000_000_000_000;

/// How often a request begins anew because a twin of it was rejected.
const MAX_ATTEMPTS: usize = 3;

/// What a request asks for.
#[derive(Clone, Copy)]
struct ContributionRequest<'a> {
    goal_id: Uuid,
    direction: Direction,
    input: &'a ContributionInput,
}

/// What a request found or made.
enum BeginOutcome {
    /// The kept response of a request with the same key.
    Replayed(Vec<u8>),
    /// Written, and done unless money has to move.
    Written(Contribution),
}

impl BudgetUseCases {
    pub async fn contribute(
        &self,
        ctx: &RequestContext,
        goal_id: Uuid,
        direction: Direction,
        input: ContributionInput,
        key: Option<Key>,
        encode: fn(&Contribution) -> Vec<u8>,
    ) -> Result<Stored<Contribution>, Error> {
        let account = self.goal_account(ctx.principal.household_id, input.account_id.as_deref()).await;
        let mut unknown = Some(account.map(Result::err));
        for _ in 0..MAX_ATTEMPTS {
            let unknown = unknown.take().unwrap_or(Ok(None));
            let request = ContributionRequest { goal_id, direction, input: &input };
            let outcome = self.begin_contribution(ctx, request, unknown, key.as_ref(), encode).await?;
            // A twin with the same key may have met the ledger's rejection meanwhile;
            // then nothing stands, and we are the first again.
            match outcome {
                BeginOutcome::Written(contribution) if contribution.state == ContributionState::Done => {
                    return Ok(Stored::New(contribution));
                }
                BeginOutcome::Written(contribution) => {
                    if self.finish_pending(&Actor::from(ctx), contribution.id).await? {
                        return Ok(Stored::New(Contribution {
                            state: ContributionState::Done,
                            ..contribution
                        }));
                    }
                }
                BeginOutcome::Replayed(reply) => {
                    let existing = match &key {
                        Some(key) => {
                            contributions::find_by_key(&mut *self.pool.acquire().await?, key).await?
                        }
                        None => None,
                    };
                    let exists = match existing {
                        Some((id, ContributionState::Pending)) => {
                            self.finish_pending(&Actor::from(ctx), id).await?
                        }
                        Some((_, ContributionState::Done | ContributionState::Voided)) => true,
                        Some((_, ContributionState::Rejected)) | None => false,
                    };
                    if exists {
                        return Ok(Stored::Replayed(reply));
                    }
                }
            }
        }
        Err(Error::TransferPending)
    }

    /// `unknown`: why the account cannot be moved from, if it cannot.
    async fn begin_contribution(
        &self,
        ctx: &RequestContext,
        ContributionRequest { goal_id, direction, input }: ContributionRequest<'_>,
        unknown: Result<Option<FieldViolation>, Error>,
        key: Option<&Key>,
        encode: fn(&Contribution) -> Vec<u8>,
    ) -> Result<BeginOutcome, Error> {
        let household_id = ctx.principal.household_id;
        let (actor, now) = (Actor::from(ctx), self.clock.now());
        let mut transaction = self.pool.begin().await?;
        if let Some(reply) = self.claim_key(&mut transaction, key).await? {
            return Ok(BeginOutcome::Replayed(reply));
        }
        let goal = goals::lock(&mut transaction, household_id, goal_id).await?;
        let mut goal = goal.filter(|goal| !goal.is_deleted).ok_or(Error::NotFound("goal"))?;
        if goal.cancelled_at.is_some() && direction == Direction::Contribution {
            return Err(Error::GoalCancelled);
        }
        let read = input.resolve(self.id(), &goal, direction, ctx.principal.user_id, now);
        let contribution = merge_violations(read, unknown?.into_iter().collect())?;
        if direction == Direction::Withdrawal {
            let pending_withdrawals =
                contributions::pending_withdrawals(&mut transaction, household_id, goal_id).await?;
            let available = goal.current.minor().saturating_sub(pending_withdrawals);
            if contribution.amount.minor() > available {
                let available = Money::new(available.max(0), goal.currency());
                let text = format!("{available} {} are set aside; send at most that.", goal.currency());
                return Err(vec![FieldViolation::new("amount", "GOAL_AMOUNT_EXCEEDED", text)].into());
            }
        }
        let sum = goal.current.minor().saturating_add(contribution.counts_when_done());
        if sum.saturating_abs() > MAX_GOAL_MINOR_UNITS {
            let text = "The goal cannot hold that much; send a smaller amount.";
            return Err(vec![FieldViolation::new("amount", "BALANCE_OUT_OF_RANGE", text)].into());
        }
        // The response once all is done; until then nobody gets it.
        let reply = encode(&Contribution { state: ContributionState::Done, ..contribution.clone() });
        let due_at = contribution.accounts.map(|_| now + WORKER_DELAY);
        contributions::insert(
            &mut transaction,
            household_id,
            &contribution,
            &ContributionMetadata { key, due_at },
        )
        .await?;
        if contribution.state == ContributionState::Done {
            let fits = goal.add(contribution.counts(), now);
            fits.ok_or_else(|| Error::Internal("a goal beyond what can be counted".into()))?;
            goals::update(&mut transaction, household_id, &goal).await?;
            self.record(&mut transaction, &actor, created(&contribution)).await?;
            self.record(&mut transaction, &actor, amount_changed(&goal)).await?;
            self.record_milestones(&mut transaction, &actor, &goal).await?;
            self.commit(transaction, key, &reply).await?;
            return Ok(BeginOutcome::Written(contribution));
        }
        if let Some(key) = key {
            idempotency::store(&mut transaction, key, &reply).await?;
        }
        transaction.commit().await?;
        Ok(BeginOutcome::Written(contribution))
    }
}

/// What money that came or went changes of its goal, which is no edit of it.
pub(super) fn amount_changed(goal: &Goal) -> EntityChange<'static> {
    EntityChange {
        entity: "goal",
        entity_id: goal.id,
        version: goal.version,
        kind: "updated",
        changed: &["current_amount"],
    }
}

/// Told when it is done: what is rejected never was.
pub(super) fn created(contribution: &Contribution) -> EntityChange<'static> {
    EntityChange {
        entity: "contribution",
        entity_id: contribution.id,
        version: contribution.version,
        kind: "created",
        changed: &[],
    }
}
