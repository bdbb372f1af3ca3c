//! Reconciles contributions that move money with the ledger.
//!
//! The transfers of pending contributions are posted; those of others are read again after a
//! change. The state in the ledger decides.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fintrac_proto::ledger::v1 as pb;
use kit_core::error::{FieldCode, ProblemCode};
use kit_jobs::{EntityKey, Job, JobError, Queue, Worker};
use kit_service::use_case::Actor;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use uuid::Uuid;

use super::sum_spending::parse_money;
use super::{BudgetUseCases, service_actor};
use crate::domain::contribution::{Contribution, ContributionState, Direction, TransferAccounts};
use crate::error::{Error, transfer_pending};
use crate::store::{contributions, goals};

/// The queue of contributions to reconcile with the ledger.
pub const GOAL_TRANSFERS: Queue<EntityKey> = Queue::new("goal-transfers");

/// The time for the ledger to respond.
const LEDGER_TIMEOUT: Duration = Duration::from_secs(5);
/// The delay before the worker continues a request's contribution.
const FALLBACK_DELAY: TimeDelta = TimeDelta::seconds(10);
/// The delay before a rejected contribution is read once more.
/// It is longer than any call.
const RECHECK_DELAY: TimeDelta = TimeDelta::minutes(1);

/// The worker that reconciles the contributions that are due.
#[derive(Debug)]
pub struct ContributionFinisher(pub Arc<BudgetUseCases>);

impl BudgetUseCases {
    /// Continues a pending contribution; returns whether it was accepted.
    /// If the ledger rejects the transfer, the contribution ends as rejected and the status is the
    /// error.
    pub(super) async fn finish_pending(
        &self,
        household_id: Uuid,
        actor: &Actor,
        id: Uuid,
    ) -> Result<bool, Error> {
        let found = contributions::find(&mut *self.pool.acquire().await?, household_id, id).await?;
        match found {
            Some(contribution) if contribution.state == ContributionState::Pending => {
                let run_at = fallback_time(&contribution);
                self.reconcile(household_id, actor, contribution).await?;
                let key = EntityKey { household_id, id };
                GOAL_TRANSFERS.cancel(&mut *self.pool.acquire().await?, key, run_at).await?;
                Ok(true)
            }
            Some(contribution) => Ok(contribution.state != ContributionState::Rejected),
            None => Ok(false),
        }
    }

    /// Posts or reads the transfer of a contribution and stores the result.
    async fn reconcile(
        &self,
        household_id: Uuid,
        actor: &Actor,
        contribution: Contribution,
    ) -> Result<(), Error> {
        let id = contribution.id;
        let Some(accounts) = contribution.accounts else { return Ok(()) };
        let result =
            tokio::time::timeout(LEDGER_TIMEOUT, self.transfer(household_id, &contribution, accounts)).await;
        match result {
            Ok(Ok(transfer)) => self.apply_transfer(household_id, actor, id, &transfer).await,
            Ok(Err(Error::Upstream("ledger", status)))
                if contribution.state == ContributionState::Pending && is_rejection(&status) =>
            {
                let mut transaction = self.pool.begin().await?;
                contributions::reject(&mut transaction, household_id, id).await?;
                let recheck = (EntityKey { household_id, id }, self.clock.now() + RECHECK_DELAY);
                GOAL_TRANSFERS.schedule(&mut transaction, [recheck]).await?;
                transaction.commit().await?;
                Err(Error::Upstream("ledger", for_contribution(contribution.direction, &status)))
            }
            Ok(Err(Error::Upstream("ledger", status)))
                if contribution.state == ContributionState::Rejected && status.code() == Code::NotFound =>
            {
                Ok(())
            }
            // The household was erased meanwhile.
            Ok(Err(error)) if error.code() == Some(ProblemCode::NotFound) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(%household_id, %id, %error, "the ledger did not respond");
                Err(transfer_pending())
            }
            Err(_elapsed) => Err(transfer_pending()),
        }
    }

    async fn transfer(
        &self,
        household_id: Uuid,
        contribution: &Contribution,
        accounts: TransferAccounts,
    ) -> Result<pb::Transfer, Error> {
        let mut ledger = self.ledger.clone();
        // The transfer is dated when the contribution was made, however late it is posted.
        let date = self.households.get(household_id).await?.today(contribution.created_at).to_string();
        let (household_id, transaction_id) = (household_id.to_string(), contribution.id.to_string());
        let (goal_account, other) = (accounts.goal_account_id.to_string(), accounts.account_id.to_string());
        let transfer = match contribution.state {
            ContributionState::Pending => {
                let leaves = contribution.direction == Direction::Withdrawal;
                let (account_id, to_account_id) =
                    if leaves { (goal_account, other) } else { (other, goal_account) };
                let request = pb::PostTransferRequest {
                    household_id,
                    user_id: contribution.user_id.to_string(),
                    transaction_id,
                    account_id,
                    to_account_id,
                    is_source_amount: leaves,
                    amount: contribution.amount.to_string(),
                    description: contribution.note.as_deref().map(to_single_line),
                    transaction_date: date,
                };
                ledger.post_transfer(request).await.map(|response| response.into_inner().transfer)
            }
            ContributionState::Done | ContributionState::Voided | ContributionState::Rejected => {
                let request =
                    pb::FindTransferRequest { household_id, transaction_id, account_id: goal_account };
                ledger.find_transfer(request).await.map(|response| response.into_inner().transfer)
            }
        };
        let transfer = transfer.map_err(|status| Error::Upstream("ledger", status))?;
        transfer.ok_or_else(|| Error::Internal("the response of the ledger has no transfer".into()))
    }

    /// Stores the state of a transfer that the ledger returned.
    async fn apply_transfer(
        &self,
        household_id: Uuid,
        actor: &Actor,
        id: Uuid,
        transfer: &pb::Transfer,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut transaction = self.begin(actor.clone()).await?;
        let found = contributions::find(&mut transaction, household_id, id).await?;
        let goal_id =
            found.map(|contribution| contribution.goal_id).ok_or_else(|| Error::not_found("goal"))?;
        let mut goal = goals::lock(&mut transaction, household_id, goal_id)
            .await?
            .ok_or_else(|| Error::not_found("goal"))?;
        // Read again under the goal's lock, which every change of its contributions holds.
        let found = contributions::find(&mut transaction, household_id, id).await?;
        let before = found.ok_or_else(|| Error::not_found("goal"))?;
        let change = parse_money(&transfer.change, goal.currency().code())?;
        let other = Uuid::parse_str(&transfer.other_account_id).ok();
        let Some(after) = before.with_transfer(change, other, transfer.version) else { return Ok(()) };
        contributions::apply_transfer(&mut transaction, household_id, &after).await?;
        let difference = after.counted_minor_units().checked_sub(before.counted_minor_units());
        let fits = difference.and_then(|difference| goal.add(difference, now));
        fits.ok_or_else(|| Error::Internal("the amount of a goal overflows".into()))?;
        goals::update(&mut transaction, household_id, &goal).await?;
        // The author is the user who made the contribution, even if the worker finishes it.
        transaction.set_actor(Actor { user_id: Some(before.user_id), ..actor.clone() });
        let is_first = before.transfer_version.is_none() && after.state == ContributionState::Done;
        let (kind, changed) = if is_first { ("created", &[][..]) } else { correction(after.state) };
        transaction.record("contribution", id, after.version, kind, changed).await?;
        // A new amount is no edit of the goal.
        transaction.record("goal", goal.id, goal.version, "updated", &["current_amount"]).await?;
        self.record_milestones(&mut transaction, household_id, &goal).await?;
        transaction.commit().await
    }
}

/// Returns the kind and the fields of a change that follows the ledger.
fn correction(state: ContributionState) -> (&'static str, &'static [&'static str]) {
    match state {
        ContributionState::Voided => ("voided", &["status"]),
        ContributionState::Pending | ContributionState::Done | ContributionState::Rejected => {
            ("updated", &["amount"])
        }
    }
}

const NO_RATE: &str = "There is no exchange rate to the goal's currency. Send an account in that currency.";

/// Converts a note to the description of a transfer, which has one line.
fn to_single_line(note: &str) -> String {
    note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Returns whether the ledger rejected a call for good.
/// After any other error the transfer may still be posted.
fn is_rejection(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::OutOfRange
    )
}

/// Renames the fields of the ledger's rejection to those of a contribution.
fn for_contribution(direction: Direction, status: &Status) -> Status {
    let mut details: ErrorDetails = status.get_error_details();
    if let Some(mut request) = details.bad_request().cloned() {
        for violation in &mut request.field_violations {
            violation.field = match (violation.field.as_str(), direction) {
                ("to_account_id", Direction::Contribution) | ("account_id", Direction::Withdrawal) => {
                    "goal.account_id"
                }
                // There is no rate between the goal's currency and the account's.
                ("to_account_id" | "currency_code", _) => "account_id",
                ("to_amount", _) => "amount",
                ("description", _) => "note",
                (other, _) => other,
            }
            .to_owned();
            if violation.reason == FieldCode::RateNotFound.as_str() {
                violation.description = NO_RATE.into();
            }
        }
        details.set_bad_request(request.field_violations);
    }
    Status::with_error_details(status.code(), status.message(), details)
}

/// Returns the time at which the worker continues a contribution whose request did not.
pub fn fallback_time(contribution: &Contribution) -> DateTime<Utc> {
    contribution.created_at + FALLBACK_DELAY
}

impl Worker for ContributionFinisher {
    type Key = EntityKey;

    const QUEUE: Queue<EntityKey> = GOAL_TRANSFERS;
    const TIMEOUT: Duration = Duration::from_secs(10);

    async fn handle(&self, job: Job<EntityKey>) -> Result<(), JobError> {
        let EntityKey { household_id, id } = job.key;
        let found = contributions::find(&mut *self.0.pool.acquire().await?, household_id, id).await?;
        let Some(contribution) = found else { return Ok(()) };
        match self.0.reconcile(household_id, &service_actor(household_id), contribution).await {
            Ok(()) => Ok(()),
            Err(Error::Upstream(_, status)) if is_rejection(&status) => {
                tracing::warn!(%household_id, %id, code = %status.code(), "ledger rejected the contribution");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}
