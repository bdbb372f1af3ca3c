//! Erasure of a user's personal data (GDPR).
//!
//! auth-svc requests an erasure in its event log. Each service records the request in the
//! transaction that advances its cursor, and a worker executes it in small transactions, however
//! long it takes. Amounts are kept, texts are removed.
//!
//! Each service's SQL function `redact_personal_data` removes the texts in the service's own
//! tables; this module handles kit's tables. A new column with texts must be added to that
//! function.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fintrac_proto::events::v1::Event;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::access::caller::RequestOrigin;
use crate::clock::Clock;
use crate::error::chain;
use crate::events::{self, Handler, HandlerError, NewEvent, WakeSignal};
use crate::jobs::leased::{self, Worker};
use crate::module::{ServiceDependencies, ServiceModule};
use crate::random::Random;

/// The time after which another worker takes over an erasure without progress.
const LEASE_DURATION: TimeDelta = TimeDelta::minutes(10);
/// The delay before a failed erasure is retried.
const RETRY_DELAY: TimeDelta = TimeDelta::minutes(1);
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

/// Returns whether an event of auth-svc requests an erasure.
/// Such an event never becomes a dead letter.
pub fn is_erasure_request(event: &Event) -> bool {
    event.entity == "user" && event.kind == "erased"
}

/// Records the erasure that `event` requests, if it requests one.
/// It must run in the transaction that advances the cursor.
pub async fn enqueue_from_event(
    connection: &mut PgConnection,
    event: &Event,
    now: DateTime<Utc>,
) -> Result<(), HandlerError> {
    if !is_erasure_request(event) {
        return Ok(());
    }
    let id = |text: &str| Uuid::parse_str(text).map_err(|error| HandlerError::Permanent(error.to_string()));
    let household_id = if event.household_id.is_empty() { None } else { Some(id(&event.household_id)?) };
    let subject = Subject { event_id: id(&event.id)?, user_id: id(&event.user_id)?, household_id };
    Ok(enqueue(connection, &subject, now).await?)
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
    .execute(connection)
    .await
    .map(|_| ())
}

/// The event handler of a service that needs only erasures from auth's log.
#[derive(Debug)]
pub struct ErasureEventHandler {
    /// Source of the current time.
    pub clock: Clock,
    /// Signal that wakes the erasure worker after new requests.
    pub erasure_signal: WakeSignal,
}

impl Handler for ErasureEventHandler {
    type Preparation = ();

    async fn prepare(&self, _events: &[Event]) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        (): (),
    ) -> Result<(), HandlerError> {
        for event in events {
            enqueue_from_event(connection, event, self.clock.now()).await?;
        }
        Ok(())
    }

    fn on_commit(&self, _events: &[Event]) {
        self.erasure_signal.wake();
    }
}

/// Adds the erasure worker, which `waiting` wakes after new requests.
pub fn add_worker(module: &mut ServiceModule, deps: &ServiceDependencies, waiting: WakeSignal) {
    let ServiceDependencies { pool, clock, random, event_log_signal, .. } = deps.clone();
    let worker = ErasureWorker { service: module.name, pool, clock, random, event_log_signal };
    module.add_background_task(move |shutdown: CancellationToken| leased::run(worker, waiting, 1, shutdown));
}

struct ErasureWorker {
    service: &'static str,
    pool: PgPool,
    clock: Clock,
    random: Random,
    event_log_signal: WakeSignal,
}

impl Worker for ErasureWorker {
    /// Several users at a time, so that the log is scanned once for all of them.
    type Item = Vec<Subject>;

    async fn claim(&self, _limit: i64) -> Result<Vec<Vec<Subject>>, sqlx::Error> {
        let now = self.clock.now();
        let subjects = sqlx::query_as!(
            Subject,
            r#"update erasures set leased_until = $2
               where event_id in (
                   select event_id from erasures
                   where erased_at is null and (leased_until is null or leased_until <= $1)
                   order by requested_at limit $3 for update skip locked)
               returning event_id, user_id, household_id"#,
            now,
            now + LEASE_DURATION,
            MAX_SUBJECTS_PER_SCAN,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(if subjects.is_empty() { Vec::new() } else { vec![subjects] })
    }

    async fn handle(&self, subjects: Vec<Subject>) -> Result<(), sqlx::Error> {
        let mut remaining = Vec::new();
        for subject in subjects {
            match self.redact_personal_data(&subject).await {
                Ok(()) => remaining.push(subject),
                Err(error) => self.fail(&[subject], &error).await?,
            }
        }
        if remaining.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.redact_event_metadata(&remaining).await {
            return self.fail(&remaining, &error).await;
        }
        for subject in remaining {
            self.mark_erased(&subject).await?;
            tracing::info!(service = self.service, user = %subject.user_id, "user erased");
        }
        self.event_log_signal.wake();
        Ok(())
    }
}

impl ErasureWorker {
    /// Schedules a retry, so that other erasures run in the meantime.
    async fn fail(&self, subjects: &[Subject], error: &sqlx::Error) -> Result<(), sqlx::Error> {
        for Subject { user_id, .. } in subjects {
            tracing::error!(service = self.service, user = %user_id, error = %chain(error), "erasure failed");
            metrics::counter!("fintrac_erasure_failures_total", "service" => self.service).increment(1);
        }
        self.extend_lease(subjects, RETRY_DELAY).await
    }

    async fn extend_lease(&self, subjects: &[Subject], duration: TimeDelta) -> Result<(), sqlx::Error> {
        let ids: Vec<_> = subjects.iter().map(|subject| subject.event_id).collect();
        sqlx::query!(
            "update erasures set leased_until = $2 where event_id = any($1) and erased_at is null",
            &ids,
            self.clock.now() + duration
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
    }

    /// Redacts the subject's data in the service's own tables.
    async fn redact_personal_data(&self, subject: &Subject) -> Result<(), sqlx::Error> {
        loop {
            self.extend_lease(std::slice::from_ref(subject), LEASE_DURATION).await?;
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
            self.extend_lease(subjects, LEASE_DURATION).await?;
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
            "update erasures set erased_at = $2, leased_until = null where event_id = $1 and erased_at is null",
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
            events::append(&mut transaction, &event).await?;
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
