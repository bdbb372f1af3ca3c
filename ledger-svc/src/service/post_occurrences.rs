//! Posts recurring transactions when they are due, each occurrence exactly once.
//!
//! This holds for any number of replicas and after any downtime. The transaction's id
//! is derived from its occurrence, an idempotency key makes duplicates wait, and the
//! next occurrence is due only afterwards. If a replica dies in between, the next one
//! finds the posted transaction.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use kit_core::context::{self, Context};
use kit_core::error::{FieldCode, ProblemCode};
use kit_jobs::{EntityKey, Job, JobError, Queue, Worker};
use kit_service::use_case::Actor;
use tokio::time::Instant;
use uuid::Uuid;

use super::{LedgerUseCases, posting_context};
use crate::domain::posting::{Command, CommandKind, Occurrence};
use crate::domain::recurring::{Recurring, RecurringStatus};
use crate::error::Error;
use crate::store::recurring::{self, RECURRING_TRANSACTIONS};
use crate::store::transactions;

const POSTING_TIMEOUT: Duration = Duration::from_secs(30);

/// The worker that posts the occurrences that are due.
#[derive(Debug)]
pub struct PostOccurrences(pub Arc<LedgerUseCases>);

/// The result of posting an occurrence.
enum OccurrenceOutcome {
    Posted(Uuid),
    /// The code of the first violation.
    Rejected(Option<FieldCode>),
    /// The recurring transaction changed meanwhile.
    Superseded,
}

impl Worker for PostOccurrences {
    type Key = EntityKey;

    const QUEUE: Queue<EntityKey> = RECURRING_TRANSACTIONS;
    const CONCURRENCY: usize = 16;
    const TIMEOUT: Duration = Duration::from_mins(1);

    async fn handle(&self, job: Job<EntityKey>) -> Result<(), JobError> {
        let (ledger, EntityKey { household_id, id }) = (&self.0, job.key);
        let found = recurring::find(&mut *ledger.pool.acquire().await?, household_id, id).await?;
        let Some(recurring) = found else { return Ok(()) };
        let (Some(occurrence), Some(due_at)) = (recurring.next, recurring.due_at()) else { return Ok(()) };
        if due_at > ledger.clock.now() {
            let mut connection = ledger.pool.acquire().await?;
            return Ok(RECURRING_TRANSACTIONS.schedule(&mut connection, [(job.key, due_at)]).await?);
        }
        let outcome = ledger.post_occurrence(&recurring, occurrence).await.map_err(retryable)?;
        ledger.advance(&recurring, occurrence, outcome).await.map_err(retryable)
    }
}

/// Returns the error of a job that is retried until it succeeds.
/// What rejects an occurrence for good pauses the recurring transaction instead.
fn retryable(error: Error) -> JobError {
    match error.into() {
        JobError::Permanent(text) => JobError::Failed(text),
        other => other,
    }
}

impl LedgerUseCases {
    async fn post_occurrence(
        &self,
        recurring: &Recurring,
        occurrence: NaiveDate,
    ) -> Result<OccurrenceOutcome, Error> {
        let transaction_id = recurring.transaction_id(occurrence);
        let household_id = recurring.household.id;
        let known =
            transactions::find(&mut *self.pool.acquire().await?, household_id, transaction_id).await?;
        if known.is_some() {
            return Ok(OccurrenceOutcome::Posted(transaction_id));
        }
        let origin = actor(household_id).origin;
        let ctx = posting_context(household_id, recurring.user_id, origin, "recurring", transaction_id);
        let household = self.household(&ctx).await?;
        let kind = CommandKind::Create(recurring.input(occurrence));
        let command = Command::new(household, kind, transaction_id, self.clock.now());
        let occurrence_of =
            Some(Occurrence { recurring_id: recurring.id, expected_version: Some(recurring.version) });
        let command = Command { occurrence_of, ..command };
        let context = Context { deadline: Some(Instant::now() + POSTING_TIMEOUT), ..Context::default() };
        match context::scope(context, self.posting_queue.post(command, ctx)).await {
            Ok(_) | Err(Error::Replayed(_)) => Ok(OccurrenceOutcome::Posted(transaction_id)),
            Err(Error::Rejected(rejection)) => match rejection.code {
                ProblemCode::VersionMismatch => Ok(OccurrenceOutcome::Superseded),
                ProblemCode::BalanceOutOfRange => {
                    Ok(OccurrenceOutcome::Rejected(Some(FieldCode::BalanceOutOfRange)))
                }
                ProblemCode::ValidationFailed | ProblemCode::AccountClosed => {
                    let first = rejection.violations.first();
                    Ok(OccurrenceOutcome::Rejected(first.map(|violation| violation.code)))
                }
                _ => Err(rejection.into()),
            },
            Err(error) => Err(error),
        }
    }

    /// Advances to the next occurrence or pauses, unless a change came in between.
    async fn advance(
        &self,
        claimed: &Recurring,
        occurrence: NaiveDate,
        outcome: OccurrenceOutcome,
    ) -> Result<(), Error> {
        let household_id = claimed.household.id;
        let mut transaction = self.begin(actor(household_id)).await?;
        recurring::lock(&mut transaction, household_id, claimed.id).await?;
        let Some(mut recurring) = recurring::find(&mut transaction, household_id, claimed.id).await? else {
            return Ok(());
        };
        if recurring.next != Some(occurrence) {
            return Ok(());
        }
        let kind = match outcome {
            OccurrenceOutcome::Posted(transaction_id) => {
                recurring.last = Some(occurrence);
                recurring.last_transaction_id = Some(transaction_id);
                recurring.advance_past(occurrence);
                // The version stays: clients cannot edit these fields.
                "posted"
            }
            OccurrenceOutcome::Rejected(reason) => {
                recurring.status = RecurringStatus::Paused;
                recurring.paused_reason = reason;
                recurring.version += 1;
                "failed"
            }
            OccurrenceOutcome::Superseded => return Ok(()),
        };
        recurring.updated_at = self.clock.now();
        recurring::save(&mut transaction, &recurring).await?;
        transaction.record("recurring", recurring.id, recurring.version, kind, &[]).await?;
        transaction.commit().await
    }
}

/// Returns the author of occurrences, which no request causes.
fn actor(household_id: Uuid) -> Actor {
    Actor::service("recurring", household_id)
}
