//! Contributes to a goal, or withdraws from it.
//!
//! An earmark changes rows of this service only. A contribution that moves money takes three steps:
//! it is stored as pending; then the ledger posts the transfer, whose id is the contribution's, so
//! that posting it again is idempotent; then the contribution is stored as done. A repeated request
//! or, after a crash, the worker continues a pending one.

use fintrac_money::Money;
use kit_core::error::{FieldCode, FieldViolation, ProblemCode};
use kit_jobs::EntityKey;
use kit_service::use_case::{Actor, WriteContext};
use uuid::Uuid;

use super::finish_contribution::{GOAL_TRANSFERS, fallback_time};
use super::{BudgetUseCases, merge_violations};
use crate::domain::contribution::{Contribution, ContributionInput, ContributionState, Direction};
use crate::error::{Error, transfer_pending};
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

impl BudgetUseCases {
    pub async fn contribute(
        &self,
        ctx: &WriteContext<Contribution>,
        goal_id: Uuid,
        direction: Direction,
        input: ContributionInput,
    ) -> Result<Contribution, Error> {
        let household_id = ctx.principal.household_id;
        let account = self.goal_account(household_id, input.account_id.as_deref()).await;
        let mut unknown = Some(account.map(Result::err));
        let actor = Actor::from(&ctx.request);
        for _ in 0..MAX_ATTEMPTS {
            let unknown = unknown.take().unwrap_or(Ok(None));
            let request = ContributionRequest { goal_id, direction, input: &input };
            // The ledger may have rejected a duplicate with the same key meanwhile. Then there is
            // no contribution, and this request is the first one again.
            match self.begin_contribution(ctx, request, unknown).await {
                Ok(contribution) if contribution.state == ContributionState::Done => {
                    return Ok(contribution);
                }
                Ok(contribution) => {
                    if self.finish_pending(household_id, &actor, contribution.id).await? {
                        return Ok(Contribution { state: ContributionState::Done, ..contribution });
                    }
                }
                Err(Error::Replayed(response)) => {
                    if self.finish_duplicate(ctx, &actor).await? {
                        return Err(Error::Replayed(response));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(transfer_pending())
    }

    /// Finishes the contribution of an earlier request with the same key.
    /// Returns whether there is one, and the ledger has not rejected it.
    async fn finish_duplicate(&self, ctx: &WriteContext<Contribution>, actor: &Actor) -> Result<bool, Error> {
        let Some(key) = &ctx.key else { return Ok(false) };
        let existing = contributions::find_by_key(&mut *self.pool.acquire().await?, key).await?;
        match existing {
            Some((id, ContributionState::Pending)) => {
                self.finish_pending(ctx.principal.household_id, actor, id).await
            }
            Some((_, ContributionState::Done | ContributionState::Voided)) => Ok(true),
            Some((_, ContributionState::Rejected)) | None => Ok(false),
        }
    }

    /// Stores a contribution: done if it is earmarked, else pending because money has to move.
    /// `unknown` is the violation if the account cannot be used.
    async fn begin_contribution(
        &self,
        ctx: &WriteContext<Contribution>,
        ContributionRequest { goal_id, direction, input }: ContributionRequest<'_>,
        unknown: Result<Option<FieldViolation>, Error>,
    ) -> Result<Contribution, Error> {
        let household_id = ctx.principal.household_id;
        let now = self.clock.now();
        let mut transaction = self.begin_idempotent(ctx).await?;
        let goal = goals::lock(&mut transaction, household_id, goal_id).await?;
        let mut goal = goal.filter(|goal| !goal.is_deleted).ok_or_else(|| Error::not_found("goal"))?;
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
                return Err(FieldViolation::new("amount", FieldCode::GoalAmountExceeded, text).into());
            }
        }
        let sum = goal.current.minor().saturating_add(contribution.counts_when_done());
        if sum.saturating_abs() > MAX_GOAL_MINOR_UNITS {
            let text = "The amount exceeds the largest amount of a goal. Send a smaller one.";
            return Err(FieldViolation::new("amount", FieldCode::BalanceOutOfRange, text).into());
        }
        contributions::insert(&mut transaction, household_id, &contribution, ctx.key.as_ref()).await?;
        if contribution.state == ContributionState::Done {
            let fits = goal.add(contribution.counted_minor_units(), now);
            fits.ok_or_else(|| Error::Internal("the amount of a goal overflows".into()))?;
            goals::update(&mut transaction, household_id, &goal).await?;
            transaction.record("contribution", contribution.id, contribution.version, "created", &[]).await?;
            transaction.record("goal", goal.id, goal.version, "updated", &["current_amount"]).await?;
            self.record_milestones(&mut transaction, household_id, &goal).await?;
        } else {
            let job_key = EntityKey { household_id, id: contribution.id };
            GOAL_TRANSFERS.schedule(&mut transaction, [(job_key, fallback_time(&contribution))]).await?;
        }
        // The response in state done. It is returned only once that state is reached.
        let done = Contribution { state: ContributionState::Done, ..contribution.clone() };
        transaction.commit_with(done).await?;
        Ok(contribution)
    }
}
