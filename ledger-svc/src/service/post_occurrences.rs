//! Posts recurring transactions when they are due, each occurrence exactly once.
//!
//! This holds for any number of replicas and after any downtime. The transaction's id
//! is derived from its occurrence, an idempotency key makes duplicates wait, and the
//! next occurrence is due only afterwards. If a replica dies in between, the next one
//! finds the posted transaction.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::access::{Principal, RequestContext};
use fintrac_kit::context::{self, Context};
use fintrac_kit::events::{self, NewEvent};
use fintrac_kit::idempotency::Key;
use fintrac_kit::jobs::{EntityKey, Job, JobError, Queue, Worker};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::posting::{Command, CommandKind, Occurrence, Rejection};
use crate::domain::recurring::{Recurring, RecurringStatus};
use crate::error::Error;
use crate::posting::{CommandSet, Request};
use crate::store::recurring::{self, RECURRING_TRANSACTIONS};
use crate::store::transactions;

const POSTING_TIMEOUT: Duration = Duration::from_secs(30);

/// The worker that posts the occurrences that are due.
#[derive(Debug)]
pub struct PostOccurrences(pub Arc<LedgerUseCases>);

/// The result of posting an occurrence.
enum OccurrenceOutcome {
    Posted(Uuid),
    Rejected(Rejection),
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
        let outcome = ledger.post_occurrence(&recurring, occurrence).await?;
        Ok(ledger.advance(&recurring, occurrence, outcome).await?)
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
        let (user_id, origin) = (recurring.user_id, recurring_origin());
        let principal = Principal { user_id, session_id: Uuid::nil(), household_id, roles: Vec::new() };
        let household = self.household(&RequestContext { principal, origin: origin.clone() }).await?;
        let key = Key {
            household_id,
            user_id,
            operation: "recurring".to_owned(),
            key: transaction_id.to_string(),
            fingerprint: Sha256::digest(transaction_id.as_bytes()).into(),
        };
        let kind = CommandKind::Create(recurring.input(occurrence));
        let command = Command::new(household, kind, transaction_id, self.clock.now());
        let occurrence_of =
            Some(Occurrence { recurring_id: recurring.id, expected_version: Some(recurring.version) });
        let commands = CommandSet::One(Box::new(Command { occurrence_of, ..command }));
        let request = Request { commands, key: Some(key), origin, encode: |_| Vec::new() };
        let context = Context { deadline: Some(Instant::now() + POSTING_TIMEOUT), ..Context::default() };
        match context::scope(context, self.posting_queue.post(request)).await {
            Ok(_) => Ok(OccurrenceOutcome::Posted(transaction_id)),
            Err(Error::Rejected(Rejection::VersionMismatch)) => Ok(OccurrenceOutcome::Superseded),
            Err(Error::Rejected(rejection)) => Ok(OccurrenceOutcome::Rejected(rejection)),
            Err(error) => Err(error),
        }
    }

    /// Advances to the next occurrence or pauses, unless a change came in between.
    async fn advance(
        &self,
        claimed: &Recurring,
        occurrence: NaiveDate,
        outcome: OccurrenceOutcome,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let household_id = claimed.household.id;
        let mut transaction = self.pool.begin().await?;
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
            OccurrenceOutcome::Rejected(rejection) => {
                recurring.status = RecurringStatus::Paused;
                recurring.paused_reason = rejection.into_violations().first().map(|violation| violation.code);
                recurring.version += 1;
                "failed"
            }
            OccurrenceOutcome::Superseded => return Ok(()),
        };
        recurring.updated_at = now;
        recurring::save(&mut transaction, &recurring).await?;
        let event = NewEvent {
            id: self.random.id(now),
            household_id: Some(household_id),
            user_id: None,
            entity: "recurring",
            entity_id: recurring.id,
            version: recurring.version,
            kind,
            changed: &[],
            origin: &recurring_origin(),
            occurred_at: now,
        };
        events::append(&mut transaction, &event).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        Ok(())
    }
}

/// Returns the origin of an occurrence, which no request causes.
fn recurring_origin() -> RequestOrigin {
    RequestOrigin { actor: "recurring".to_owned(), ..RequestOrigin::default() }
}
