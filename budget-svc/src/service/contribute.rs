//! Contributes to a goal, or withdraws from it.
//!
//! An earmark changes rows of this service only. A contribution that moves money takes three steps:
//! it is stored as pending; then the ledger posts the transfer, whose id is the contribution's, so
//! that posting it again is idempotent; then the contribution is stored as done. A repeated request
//! or, after a crash, the worker continues a pending one.

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::{FieldCode, FieldViolation, ProblemCode};
use fintrac_kit::idempotency::{self, IdempotentResult, Key};
use fintrac_kit::jobs::EntityKey;
use fintrac_money::Money;
use uuid::Uuid;

use super::finish_contribution::{GOAL_TRANSFERS, amount_changed, created, fallback_time};
use super::{Actor, BudgetUseCases, merge_violations};
use crate::domain::contribution::{Contribution, ContributionInput, ContributionState, Direction};
use crate::error::Error;
use crate::store::{contributions, goals};

/// The largest amount set aside for one goal, in minor units.
/// Pending contributions still fit the integer type with it.
const MAX_GOAL_MINOR_UNITS: i64 = 1_000_000_000_000_000_000;

/// The number of attempts of a request whose duplicates are rejected.
const MAX_ATTEMPTS: usize = 3;

/// A request to contribute or to withdraw.
#[derive(Clone, Copy)]
struct ContributionRequest<'a> {
    goal_id: Uuid,
    direction: Direction,
    input: &'a ContributionInput,
}

/// The outcome of beginning a contribution.
enum BeginOutcome {
    /// The stored response of a request with the same key.
    Replayed(Vec<u8>),
    /// The stored contribution: done, or pending if money has to move.
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
    ) -> Result<IdempotentResult<Contribution>, Error> {
        let account = self.goal_account(ctx.principal.household_id, input.account_id.as_deref()).await;
        let mut unknown = Some(account.map(Result::err));
        for _ in 0..MAX_ATTEMPTS {
            let unknown = unknown.take().unwrap_or(Ok(None));
            let request = ContributionRequest { goal_id, direction, input: &input };
            let outcome = self.begin_contribution(ctx, request, unknown, key.as_ref(), encode).await?;
            // The ledger may have rejected a duplicate with the same key meanwhile. Then there is
            // no contribution, and this request is the first one again.
            match outcome {
                BeginOutcome::Written(contribution) if contribution.state == ContributionState::Done => {
                    return Ok(IdempotentResult::New(contribution));
                }
                BeginOutcome::Written(contribution) => {
                    if self.finish_pending(&Actor::from(ctx), contribution.id).await? {
                        return Ok(IdempotentResult::New(Contribution {
                            state: ContributionState::Done,
                            ..contribution
                        }));
                    }
                }
                BeginOutcome::Replayed(response) => {
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
                        return Ok(IdempotentResult::Replayed(response));
                    }
                }
            }
        }
        Err(Error::TransferPending)
    }

    /// Stores a contribution: done if it is earmarked, else pending.
    /// `unknown` is the violation if the account cannot be used.
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
        if let Some(response) = self.claim_key(&mut transaction, key).await? {
            return Ok(BeginOutcome::Replayed(response));
        }
        let goal = goals::lock(&mut transaction, household_id, goal_id).await?;
        let mut goal = goal.filter(|goal| !goal.is_deleted).ok_or(Error::NotFound("goal"))?;
        if goal.cancelled_at.is_some() && direction == Direction::Contribution {
            return Err(ProblemCode::GoalCancelled.into());
        }
        let result = input.resolve(self.new_id(), &goal, direction, ctx.principal.user_id, now);
        let contribution = merge_violations(result, unknown?.into_iter().collect())?;
        if direction == Direction::Withdrawal {
            let pending_withdrawals =
                contributions::pending_withdrawals(&mut transaction, household_id, goal_id).await?;
            let available = goal.current.minor().saturating_sub(pending_withdrawals);
            if contribution.amount.minor() > available {
                let available = Money::new(available.max(0), goal.currency());
                let text =
                    format!("Only {available} {} are set aside. Send at most that amount.", goal.currency());
                return Err(vec![FieldViolation::new("amount", FieldCode::GoalAmountExceeded, text)].into());
            }
        }
        let sum = goal.current.minor().saturating_add(contribution.counts_when_done());
        if sum.saturating_abs() > MAX_GOAL_MINOR_UNITS {
            let text = "The amount exceeds the largest amount of a goal. Send a smaller one.";
            return Err(vec![FieldViolation::new("amount", FieldCode::BalanceOutOfRange, text)].into());
        }
        // The response in state done. It is returned only once that state is reached.
        let response = encode(&Contribution { state: ContributionState::Done, ..contribution.clone() });
        contributions::insert(&mut transaction, household_id, &contribution, key).await?;
        if contribution.state == ContributionState::Done {
            let fits = goal.add(contribution.counted_minor_units(), now);
            fits.ok_or_else(|| Error::Internal("the amount of a goal overflows".into()))?;
            goals::update(&mut transaction, household_id, &goal).await?;
            self.record(&mut transaction, &actor, created(&contribution)).await?;
            self.record(&mut transaction, &actor, amount_changed(&goal)).await?;
            self.record_milestones(&mut transaction, &actor, &goal).await?;
            self.commit(transaction, key, &response).await?;
            return Ok(BeginOutcome::Written(contribution));
        }
        let job_key = EntityKey { household_id, id: contribution.id };
        GOAL_TRANSFERS.schedule(&mut transaction, [(job_key, fallback_time(&contribution))]).await?;
        if let Some(key) = key {
            idempotency::store(&mut transaction, key, &response).await?;
        }
        transaction.commit().await?;
        Ok(BeginOutcome::Written(contribution))
    }
}
