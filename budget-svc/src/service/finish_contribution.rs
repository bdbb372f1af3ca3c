//! Bringing contributions that move money in line with the ledger: pending
//! ones are posted, others asked about when their transfer has changed. What
//! the ledger says is what counts.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_kit::jobs::leased::Worker;
use fintrac_proto::ledger::v1 as pb;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use uuid::Uuid;

use super::contribute::{amount_changed, created};
use super::sum_spending::parse_money;
use super::{Actor, BudgetUseCases, EntityChange, retry_delay};
use crate::domain::contribution::{Contribution, ContributionState, Direction, TransferAccounts};
use crate::error::Error;
use crate::store::contributions::DueContribution;
use crate::store::{contributions, goals};

/// How long the ledger may take.
const LEDGER_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than one try: a contribution whose worker died waits this long.
const LEASE: TimeDelta = TimeDelta::seconds(10);
/// A rejected one is asked about once more after this: longer than any call.
const RECHECK_DELAY: TimeDelta = TimeDelta::minutes(1);

/// Works off the contributions that are due.
#[derive(Debug)]
pub struct ContributionFinisher(pub Arc<BudgetUseCases>);

impl BudgetUseCases {
    /// Goes on with a pending contribution; whether it stands. A rejection of the
    /// ledger is its end, and the error.
    pub(super) async fn finish_pending(&self, actor: &Actor, id: Uuid) -> Result<bool, Error> {
        let found = contributions::find(&mut *self.pool.acquire().await?, actor.household_id, id).await?;
        match found {
            Some((contribution, generation)) if contribution.state == ContributionState::Pending => {
                self.reconcile(actor, contribution, generation).await?;
                Ok(true)
            }
            Some((contribution, _)) => Ok(contribution.state != ContributionState::Rejected),
            None => Ok(false),
        }
    }

    /// Asks the ledger about a contribution and writes what it says.
    async fn reconcile(
        &self,
        actor: &Actor,
        contribution: Contribution,
        generation: i64,
    ) -> Result<(), Error> {
        let (household_id, id) = (actor.household_id, contribution.id);
        let Some(accounts) = contribution.accounts else { return Ok(()) };
        let result =
            tokio::time::timeout(LEDGER_TIMEOUT, self.transfer(household_id, &contribution, accounts)).await;
        match result {
            Ok(Ok(transfer)) => self.apply_transfer(actor, id, &transfer, generation).await,
            Ok(Err(Error::Upstream("ledger", status)))
                if contribution.state == ContributionState::Pending && is_rejection(&status) =>
            {
                let mut transaction = self.pool.begin().await?;
                let due_at = self.clock.now() + RECHECK_DELAY;
                contributions::reject(&mut transaction, household_id, id, due_at).await?;
                transaction.commit().await?;
                Err(Error::Upstream("ledger", for_contribution(contribution.direction, &status)))
            }
            Ok(Err(Error::Upstream("ledger", status)))
                if contribution.state == ContributionState::Rejected && status.code() == Code::NotFound =>
            {
                let mut connection = self.pool.acquire().await?;
                Ok(contributions::apply_transfer(&mut connection, household_id, &contribution, generation)
                    .await?)
            }
            // Erased meanwhile.
            Ok(Err(Error::NotFound("household"))) => {
                let mut connection = self.pool.acquire().await?;
                Ok(contributions::apply_transfer(&mut connection, household_id, &contribution, generation)
                    .await?)
            }
            Ok(Err(error)) => {
                tracing::warn!(%household_id, %id, %error, "the ledger did not respond");
                Err(Error::TransferPending)
            }
            Err(_elapsed) => Err(Error::TransferPending),
        }
    }

    async fn transfer(
        &self,
        household_id: Uuid,
        contribution: &Contribution,
        accounts: TransferAccounts,
    ) -> Result<pb::Transfer, Error> {
        let mut ledger = self.ledger.clone();
        // Dated as it was made, whenever it gets through.
        let date = self.household(household_id).await?.today(contribution.created_at).to_string();
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
        transfer.ok_or_else(|| Error::Internal("no transfer in the response".into()))
    }

    /// Writes what the ledger said of the transfer.
    async fn apply_transfer(
        &self,
        actor: &Actor,
        id: Uuid,
        transfer: &pb::Transfer,
        generation: i64,
    ) -> Result<(), Error> {
        let (household_id, now) = (actor.household_id, self.clock.now());
        let mut transaction = self.pool.begin().await?;
        let found = contributions::find(&mut transaction, household_id, id).await?;
        let goal_id = found.map(|(contribution, _)| contribution.goal_id).ok_or(Error::NotFound("goal"))?;
        let mut goal =
            goals::lock(&mut transaction, household_id, goal_id).await?.ok_or(Error::NotFound("goal"))?;
        // Read again under the goal's lock: whoever changes one of its contributions holds it.
        let found = contributions::find(&mut transaction, household_id, id).await?;
        let (before, _) = found.ok_or(Error::NotFound("goal"))?;
        let change = parse_money(&transfer.change, goal.currency().code())?;
        let other = Uuid::parse_str(&transfer.other_account_id).ok();
        let Some(after) = before.with_transfer(change, other, transfer.version) else {
            contributions::apply_transfer(&mut transaction, household_id, &before, generation).await?;
            transaction.commit().await?;
            return Ok(());
        };
        contributions::apply_transfer(&mut transaction, household_id, &after, generation).await?;
        let difference = after.counts().checked_sub(before.counts());
        let fits = difference.and_then(|difference| goal.add(difference, now));
        fits.ok_or_else(|| Error::Internal("a goal beyond what can be counted".into()))?;
        goals::update(&mut transaction, household_id, &goal).await?;
        let is_first = before.transfer_version.is_none() && after.state == ContributionState::Done;
        let entity_change = if is_first { created(&after) } else { corrected(&after) };
        // Whoever finishes it: it is the doing of him who made it.
        let actor = Actor { user_id: Some(before.user_id), ..actor.clone() };
        self.record(&mut transaction, &actor, entity_change).await?;
        self.record(&mut transaction, &actor, amount_changed(&goal)).await?;
        self.record_milestones(&mut transaction, &actor, &goal).await?;
        transaction.commit().await?;
        self.wake_signal.wake();
        Ok(())
    }
}

fn corrected(contribution: &Contribution) -> EntityChange<'static> {
    let (kind, changed): (_, &[&str]) = match contribution.state {
        ContributionState::Voided => ("voided", &["status"]),
        ContributionState::Pending | ContributionState::Done | ContributionState::Rejected => {
            ("updated", &["amount"])
        }
    };
    let (entity_id, version) = (contribution.id, contribution.version);
    EntityChange { entity: "contribution", entity_id, version, kind, changed }
}

const NO_RATE: &str = "No rate to the goal's currency is known; send an account in that currency.";

/// A note as the description of a transfer, which has one line.
fn to_single_line(note: &str) -> String {
    note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The ledger understood and will never do it; all else may still be done.
fn is_rejection(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::OutOfRange
    )
}

/// The ledger's rejection in the words of a contribution.
fn for_contribution(direction: Direction, status: &Status) -> Status {
    let mut details: ErrorDetails = status.get_error_details();
    if let Some(mut request) = details.bad_request().cloned() {
        for violation in &mut request.field_violations {
            violation.field = match (violation.field.as_str(), direction) {
                ("to_account_id", Direction::Contribution) | ("account_id", Direction::Withdrawal) => {
                    "goal.account_id"
                }
                // No rate between the goal's currency and the account's.
                ("to_account_id" | "currency_code", _) => "account_id",
                ("to_amount", _) => "amount",
                ("description", _) => "note",
                (other, _) => other,
            }
            .to_owned();
            if violation.reason == "RATE_NOT_FOUND" {
                violation.description = NO_RATE.into();
            }
        }
        details.set_bad_request(request.field_violations);
    }
    Status::with_error_details(status.code(), status.message(), details)
}

impl Worker for ContributionFinisher {
    type Item = DueContribution;

    async fn claim(&self, limit: i64) -> Result<Vec<DueContribution>, sqlx::Error> {
        let now = self.0.clock.now();
        contributions::claim(&mut *self.0.pool.acquire().await?, limit, now, now + LEASE).await
    }

    async fn handle(&self, due: DueContribution) -> Result<(), sqlx::Error> {
        let (household_id, id) = (due.household_id, due.id);
        let found = contributions::find(&mut *self.0.pool.acquire().await?, household_id, id).await?;
        let Some((contribution, generation)) = found else { return Ok(()) };
        match self.0.reconcile(&Actor::service(household_id), contribution, generation).await {
            Ok(()) => Ok(()),
            Err(Error::Upstream(_, status)) => {
                tracing::warn!(%household_id, %id, code = %status.code(), "the ledger rejected a contribution");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%household_id, %id, %error, "contribution not finished yet");
                let due_at = self.0.clock.now() + retry_delay(&error, due.failures);
                contributions::postpone(&mut *self.0.pool.acquire().await?, due, due_at).await
            }
        }
    }
}
