//! Posts recurring transactions when they are due, each occurrence exactly once.
//!
//! This holds for any number of replicas and after any downtime. The transaction's id
//! is derived from its occurrence, an idempotency key makes duplicates wait, and the
//! next occurrence is due only afterwards. If a replica dies in between, the next one
//! finds the posted transaction.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::access::{Principal, RequestContext};
use fintrac_kit::context::{self, Context};
use fintrac_kit::events::{self, NewEvent};
use fintrac_kit::idempotency::Key;
use fintrac_kit::jobs::leased::Worker;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::posting::{Command, CommandKind, Occurrence, Rejection};
use crate::domain::recurring::{Recurring, RecurringStatus};
use crate::error::Error;
use crate::posting::{CommandSet, Request};
use crate::store::{recurring, transactions};

/// Time for which a replica owns a due recurring transaction.
const LEASE_DURATION: TimeDelta = TimeDelta::seconds(60);
const POSTING_TIMEOUT: Duration = Duration::from_secs(30);

/// The queue of recurring transactions that are due.
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
    type Item = (Uuid, Uuid);

    async fn claim(&self, limit: i64) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
        let now = self.0.clock.now();
        let mut connection = self.0.pool.acquire().await?;
        recurring::claim(&mut connection, limit, now, now + LEASE_DURATION).await
    }

    async fn handle(&self, (household_id, id): (Uuid, Uuid)) -> Result<(), sqlx::Error> {
        let ledger = &self.0;
        let found = recurring::find(&mut *ledger.pool.acquire().await?, household_id, id).await?;
        let Some(recurring) = found else { return Ok(()) };
        let Some(occurrence) =
            recurring.next.filter(|_| recurring.due_at().is_some_and(|due| due <= ledger.clock.now()))
        else {
            return Ok(());
        };
        match ledger.post_occurrence(&recurring, occurrence).await {
            Ok(outcome) => ledger.advance(&recurring, occurrence, outcome).await,
            Err(Error::Database(error)) => {
                tracing::warn!(%id, %error, "occurrence not posted yet");
                Ok(())
            }
            // It is retried when its lease expires.
            Err(error) => {
                tracing::warn!(%id, %error, "occurrence not posted yet");
                Ok(())
            }
        }
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
                let reason = rejection
                    .into_violations()
                    .first()
                    .map_or("VALIDATION_FAILED", |violation| violation.reason);
                recurring.status = RecurringStatus::Paused;
                recurring.paused_reason = Some(reason.to_owned());
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
        // The next occurrence may be due already.
        self.due_signal.wake();
        Ok(())
    }
}

/// Returns the origin of an occurrence, which no request causes.
fn recurring_origin() -> RequestOrigin {
    RequestOrigin { actor: "recurring".to_owned(), ..RequestOrigin::default() }
}
