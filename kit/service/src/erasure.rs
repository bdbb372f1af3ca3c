//! Erasure of a user's personal data (GDPR).
//!
//! auth-svc requests an erasure in its event log. Each service records the request in the
//! transaction that advances its cursor, and a worker executes it in small transactions, however
//! long it takes. Amounts are kept, texts are removed.
//!
//! The SQL function `redact_personal_data` removes the texts in a service's own tables. It is
//! compiled from the service's [`PersonalData`](kit_db::personal_data::PersonalData); this module
//! handles kit's tables.

use std::time::Duration;

use chrono::{DateTime, Utc};
use fintrac_proto::events::v1::Event;
use kit_access::caller::RequestOrigin;
use kit_core::clock::Clock;
use kit_core::error::chain;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_events::{Handler, HandlerError, NewEvent};
use kit_jobs::{Job, JobError, Queue, Singleton, Worker};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::dependencies::ServiceDependencies;

/// The queue of the job that processes all pending erasures.
pub const ERASURES: Queue<Singleton> = Queue::new("erasures");

/// The duration after which an attempt ends; the next one continues.
const TIMEOUT: Duration = Duration::from_hours(1);
/// The number of users whose event metadata is redacted in one scan of the log.
const MAX_SUBJECTS_PER_SCAN: i64 = 100;
/// The number of rows changed per transaction.
/// An open transaction holds back the visibility horizon, and with it every consumer.
const BATCH_SIZE: i32 = 1000;
/// The number of events scanned per transaction.
const EVENT_BATCH_SIZE: i32 = 5000;

/// A user to erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The event that requested the erasure.
    pub event_id: Uuid,
    /// The user to erase.
    pub user_id: Uuid,
    /// The household that the user owned, if any.
    pub household_id: Option<Uuid>,
}

/// Records the erasures that an event log requests, and passes its events to another handler.
#[derive(Debug)]
pub struct ErasureHandler<H> {
    inner: H,
    clock: Clock,
}

impl<H> ErasureHandler<H> {
    /// Creates a handler around `inner`.
    pub fn new(inner: H, clock: Clock) -> Self {
        Self { inner, clock }
    }
}

impl<H: Handler> Handler for ErasureHandler<H> {
    type Preparation = H::Preparation;

    async fn prepare(&self, events: &[Event]) -> Result<H::Preparation, HandlerError> {
        self.inner.prepare(events).await
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        prepared: H::Preparation,
    ) -> Result<(), HandlerError> {
        for event in events {
            enqueue_from_event(connection, event, self.clock.now()).await?;
        }
        self.inner.apply(connection, events, prepared).await
    }

    fn is_mandatory(&self, event: &Event) -> bool {
        is_erasure_request(event) || self.inner.is_mandatory(event)
    }

    fn on_commit(&self, events: &[Event]) {
        self.inner.on_commit(events);
    }

    async fn on_dead_letter(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        self.inner.on_dead_letter(connection, event).await
    }
}

/// Returns whether an event of auth-svc requests an erasure.
fn is_erasure_request(event: &Event) -> bool {
    event.entity == "user" && event.kind == "erased"
}

/// Records the erasure that `event` requests, if it requests one.
/// It must run in the transaction that advances the cursor.
async fn enqueue_from_event(
    connection: &mut PgConnection,
    event: &Event,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if !is_erasure_request(event) {
        return Ok(());
    }
    let id = |text: &str| Uuid::parse_str(text).map_err(|error| sqlx::Error::Decode(error.into()));
    let household_id = if event.household_id.is_empty() { None } else { Some(id(&event.household_id)?) };
    let subject = Subject { event_id: id(&event.id)?, user_id: id(&event.user_id)?, household_id };
    enqueue(connection, &subject, now).await
}

/// Records a user to erase; the same request has no effect a second time.
pub async fn enqueue(
    connection: &mut PgConnection,
    subject: &Subject,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into erasures (event_id, user_id, household_id, requested_at) values ($1, $2, $3, $4)
           on conflict (event_id) do nothing"#,
        subject.event_id,
        subject.user_id,
        subject.household_id,
        now,
    )
    .execute(&mut *connection)
    .await?;
    ERASURES.enqueue(connection, [Singleton], now).await
}

/// Processes all pending erasures.
/// Several users are erased at a time, so that the log is scanned once for all of them.
#[derive(Debug)]
pub struct ErasureWorker {
    service: &'static str,
    pool: PgPool,
    clock: Clock,
    random: Random,
    event_log_signal: WakeSignal,
}

impl Worker for ErasureWorker {
    type Key = Singleton;

    const QUEUE: Queue<Singleton> = ERASURES;
    const CONCURRENCY: usize = 1;
    const TIMEOUT: Duration = TIMEOUT;

    async fn handle(&self, _job: Job<Singleton>) -> Result<(), JobError> {
        let (mut after, mut failure) = (Uuid::nil(), None);
        loop {
            let subjects = self.list_pending(after).await?;
            let Some(last) = subjects.last() else { break };
            after = last.event_id;
            if let Err(error) = self.erase(subjects).await {
                failure = Some(error);
            }
        }
        failure.map_or(Ok(()), |error| Err(error.into()))
    }
}

impl ErasureWorker {
    /// Creates the worker of the service `name`.
    pub fn new(name: &'static str, deps: &ServiceDependencies) -> Self {
        let ServiceDependencies { pool, clock, random, event_log_signal, .. } = deps.clone();
        Self { service: name, pool, clock, random, event_log_signal }
    }

    async fn list_pending(&self, after: Uuid) -> Result<Vec<Subject>, sqlx::Error> {
        sqlx::query_as!(
            Subject,
            r#"select event_id, user_id, household_id from erasures
               where erased_at is null and event_id > $1 order by event_id limit $2"#,
            after,
            MAX_SUBJECTS_PER_SCAN,
        )
        .fetch_all(&self.pool)
        .await
    }

    /// Erases the subjects that can be erased; returns the last error.
    async fn erase(&self, subjects: Vec<Subject>) -> Result<(), sqlx::Error> {
        let (mut remaining, mut result) = (Vec::new(), Ok(()));
        for subject in subjects {
            match self.redact_personal_data(&subject).await {
                Ok(()) => remaining.push(subject),
                Err(error) => {
                    self.report_failure(&subject, &error);
                    result = Err(error);
                }
            }
        }
        if remaining.is_empty() {
            return result;
        }
        if let Err(error) = self.redact_event_metadata(&remaining).await {
            for subject in &remaining {
                self.report_failure(subject, &error);
            }
            return Err(error);
        }
        for subject in remaining {
            self.mark_erased(&subject).await?;
            tracing::info!(service = self.service, user = %subject.user_id, "user erased");
        }
        self.event_log_signal.wake();
        result
    }

    fn report_failure(&self, Subject { user_id, .. }: &Subject, error: &sqlx::Error) {
        tracing::error!(service = self.service, user = %user_id, error = %chain(error), "erasure failed");
        metrics::counter!("fintrac_erasure_failures_total", "service" => self.service).increment(1);
    }

    /// Redacts the subject's data in the service's own tables.
    async fn redact_personal_data(&self, subject: &Subject) -> Result<(), sqlx::Error> {
        loop {
            let changed = sqlx::query_scalar!(
                r#"select redact_personal_data($1, $2, $3, $4) as "changed!""#,
                subject.user_id,
                subject.household_id,
                self.clock.now(),
                BATCH_SIZE
            )
            .fetch_one(&self.pool)
            .await?;
            if changed == 0 {
                return Ok(());
            }
        }
    }

    /// Redacts the subjects' data in kit's tables.
    async fn redact_event_metadata(&self, subjects: &[Subject]) -> Result<(), sqlx::Error> {
        let users: Vec<_> = subjects.iter().map(|subject| subject.user_id).collect();
        let households: Vec<_> = subjects.iter().filter_map(|subject| subject.household_id).collect();
        let (mut epoch, mut transaction_id, mut position) = (0, 0, 0);
        loop {
            let reached = sqlx::query!(
                r#"select reached_epoch, reached_transaction, reached_position
                   from redact_event_metadata($1, $2, $3, $4, $5, $6)"#,
                &users,
                &households,
                EVENT_BATCH_SIZE,
                epoch,
                transaction_id,
                position,
            )
            .fetch_one(&self.pool)
            .await?;
            let (Some(next_epoch), Some(next_transaction), Some(next_position)) =
                (reached.reached_epoch, reached.reached_transaction, reached.reached_position)
            else {
                break;
            };
            (epoch, transaction_id, position) = (next_epoch, next_transaction, next_position);
        }
        // Users act only in their own household; keys without a household have the nil id.
        sqlx::query!(
            r#"delete from idempotency_keys
               where household_id = any($2) or (household_id = $3 and user_id = any($1))"#,
            &users,
            &households,
            Uuid::nil(),
        )
        .execute(&self.pool)
        .await?;
        // A dead letter is an encoded event, which contains its ids as text.
        let ids: Vec<_> = users.iter().chain(&households).map(Uuid::to_string).collect();
        sqlx::query!(
            r#"delete from event_dead_letters
               where exists (select from unnest($1::text[]) as ids (id)
                             where position(convert_to(id, 'UTF8') in event) > 0)"#,
            &ids
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
    }

    /// Marks the erasure as finished and appends an event.
    /// The event names no household, because no budget has to be evaluated again.
    async fn mark_erased(&self, subject: &Subject) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        let done = sqlx::query!(
            "update erasures set erased_at = $2 where event_id = $1 and erased_at is null",
            subject.event_id,
            now
        )
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 1 {
            let origin = RequestOrigin { actor: self.service.to_owned(), ..RequestOrigin::default() };
            let event = NewEvent {
                id: self.random.id(now),
                household_id: None,
                user_id: Some(subject.user_id),
                entity: "erasure",
                entity_id: subject.event_id,
                version: 1,
                kind: "finished",
                changed: &[],
                origin: &origin,
                occurred_at: now,
            };
            kit_events::append(&mut transaction, &event).await?;
        }
        transaction.commit().await
    }
}

/// Returns the age of the oldest unfinished erasure, for the alert's metric.
pub async fn oldest_pending_age(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<Duration, sqlx::Error> {
    let requested_at = sqlx::query_scalar!("select min(requested_at) from erasures where erased_at is null")
        .fetch_one(connection)
        .await?;
    Ok(requested_at.and_then(|requested_at| (now - requested_at).to_std().ok()).unwrap_or_default())
}
