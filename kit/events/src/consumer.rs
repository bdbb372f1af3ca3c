//! Consumption of another service's event log, with each effect exactly once.
//!
//! The cursor is locked and advanced in the transaction that contains the effects. Any number of
//! replicas may therefore consume at once: all but the first find nothing to do. Events received in
//! one batch are applied in one transaction; if that fails, event by event. A handler calls other
//! services before the transaction opens.

use std::time::Duration;

use fintrac_proto::events::v1::event_log_service_client::EventLogServiceClient;
use fintrac_proto::events::v1::{Event, Position, SubscribeRequest};
use kit_core::clock::Clock;
use kit_core::wake_signal::WakeSignal;
use kit_rpc::transport::{NoDeadline, Transport};
use prost::Message as _;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use tonic::Request;
use uuid::Uuid;

use super::handler::{Handler, HandlerError};

/// The number of attempts before an event becomes a dead letter.
const MAX_ATTEMPTS: u32 = 5;
const MIN_RETRY_DELAY: Duration = Duration::from_millis(100);
/// The longest delay, short because clients that wait for an effect wait too.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(1);

/// A consumer of the log of `source`, in the schema of `pool`.
#[derive(Debug)]
pub struct Consumer<H> {
    /// Name of the service whose log is consumed.
    pub source: &'static str,
    /// Transport to that service.
    pub log: Transport,
    /// Connections to the consuming service's schema.
    pub pool: PgPool,
    /// Source of the current time.
    pub clock: Clock,
    /// Signal that wakes the workers after a commit with new jobs.
    pub job_signal: WakeSignal,
    /// Handler of the events.
    pub handler: H,
}

impl<H: Handler> Consumer<H> {
    /// Consumes events until `shutdown`, and stops between two events.
    pub async fn run(self, shutdown: CancellationToken) {
        // The counter exists from the start, so that its first increment is visible.
        self.dead_letter_counter().absolute(0);
        let mut retry_delay = MIN_RETRY_DELAY;
        let mut last_error = String::new();
        while !shutdown.is_cancelled() {
            let error =
                self.subscribe(&shutdown, &mut retry_delay).await.err().map(|error| error.to_string());
            let error = error.unwrap_or_default();
            // An outage is logged once, not for every attempt.
            if !error.is_empty() && error != last_error {
                tracing::warn!(source = self.source, error, "event stream interrupted");
            }
            last_error = error;
            let _cancelled = tokio::time::timeout(retry_delay, shutdown.cancelled()).await;
            retry_delay = (retry_delay * 2).min(MAX_RETRY_DELAY);
        }
    }

    async fn subscribe(
        &self,
        shutdown: &CancellationToken,
        retry_delay: &mut Duration,
    ) -> Result<(), HandlerError> {
        let after = self.read_cursor().await?;
        let mut request = Request::new(SubscribeRequest { after });
        request.extensions_mut().insert(NoDeadline);
        let mut client = EventLogServiceClient::new(self.log.clone());
        let mut stream = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            response = client.subscribe(request) => response?.into_inner(),
        };
        loop {
            let message = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                message = stream.message() => message?,
            };
            let Some(message) = message else { return Ok(()) };
            self.process(&message.events, shutdown).await?;
            if shutdown.is_cancelled() {
                return Ok(());
            }
            *retry_delay = MIN_RETRY_DELAY;
        }
    }

    async fn read_cursor(&self) -> Result<Option<Position>, sqlx::Error> {
        let row = sqlx::query!(
            "select epoch, transaction_id, position from event_cursors where source = $1",
            self.source
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| Position {
            epoch: row.epoch,
            transaction_id: row.transaction_id,
            sequence: row.position,
        }))
    }

    /// Applies `events`; one that cannot be processed becomes a dead letter.
    async fn process(&self, events: &[Event], shutdown: &CancellationToken) -> Result<(), HandlerError> {
        let mut retry_delay = MIN_RETRY_DELAY;
        let (mut batch, mut remaining) = (events.len(), events);
        let mut attempts = 0;
        while !remaining.is_empty() && !shutdown.is_cancelled() {
            let (now, later) = remaining.split_at(batch.min(remaining.len()));
            let error = match (self.process_batch(now).await, now) {
                (Ok(()), _) => {
                    (remaining, attempts, retry_delay) = (later, 0, MIN_RETRY_DELAY);
                    continue;
                }
                (Err(HandlerError::Transient(error)), _) => {
                    // A smaller batch may succeed where a large one never does.
                    batch = now.len().div_ceil(2);
                    error
                }
                (Err(HandlerError::Permanent(error)), [event]) => {
                    attempts += 1;
                    if attempts >= MAX_ATTEMPTS && !self.handler.is_mandatory(event) {
                        self.dead_letter(event, &error).await?;
                        (remaining, attempts) = (later, 0);
                        continue;
                    }
                    error
                }
                (Err(HandlerError::Permanent(_)), _) => {
                    batch = 1;
                    continue;
                }
            };
            let first = now.first().map(|event| (event.kind.as_str(), event.id.as_str()));
            let (kind, id) = first.unwrap_or_default();
            tracing::warn!(source = self.source, kind, id, error, "event not processed; retrying");
            let _cancelled = tokio::time::timeout(retry_delay, shutdown.cancelled()).await;
            retry_delay = (retry_delay * 2).min(MAX_RETRY_DELAY);
        }
        Ok(())
    }

    async fn process_batch(&self, mut events: &[Event]) -> Result<(), HandlerError> {
        loop {
            let reached = self
                .read_cursor()
                .await?
                .map_or((0, 0, 0), |position| (position.epoch, position.transaction_id, position.sequence));
            events = events_after(events, reached);
            let Some(last) = events.last() else { return Ok(()) };
            let prepared = self.handler.prepare(events).await?;
            let mut transaction = self.pool.begin().await?;
            if self.lock_cursor(&mut transaction).await? != reached {
                // Another replica has advanced the cursor meanwhile.
                continue;
            }
            self.handler.apply(&mut transaction, events, prepared).await?;
            self.advance_cursor(&mut transaction, last).await?;
            transaction.commit().await?;
            self.handler.on_commit(events);
            self.job_signal.wake();
            return Ok(());
        }
    }

    async fn dead_letter(&self, event: &Event, error: &str) -> Result<(), HandlerError> {
        let id = Uuid::parse_str(&event.id).map_err(|error| HandlerError::Transient(error.to_string()))?;
        let mut transaction = self.pool.begin().await?;
        if log_position(event) > self.lock_cursor(&mut transaction).await? {
            self.advance_cursor(&mut transaction, event).await?;
            sqlx::query!(
                r#"insert into event_dead_letters (source, id, event, error, failed_at)
                   values ($1, $2, $3, $4, $5) on conflict (source, id) do nothing"#,
                self.source,
                id,
                event.encode_to_vec(),
                error,
                self.clock.now(),
            )
            .execute(&mut *transaction)
            .await?;
            self.handler.on_dead_letter(&mut transaction, event).await?;
            transaction.commit().await?;
            self.job_signal.wake();
            tracing::error!(
                source = self.source,
                kind = event.kind,
                id = event.id,
                error,
                "event became a dead letter"
            );
            self.dead_letter_counter().increment(1);
        }
        Ok(())
    }

    fn dead_letter_counter(&self) -> metrics::Counter {
        metrics::counter!("fintrac_event_dead_letters_total", "source" => self.source)
    }

    /// Locks the cursor and returns its position.
    async fn lock_cursor(&self, connection: &mut PgConnection) -> Result<LogPosition, sqlx::Error> {
        sqlx::query!(
            r#"insert into event_cursors (source, epoch, transaction_id, position) values ($1, 0, 0, 0)
               on conflict (source) do nothing"#,
            self.source
        )
        .execute(&mut *connection)
        .await?;
        let row = sqlx::query!(
            "select epoch, transaction_id, position from event_cursors where source = $1 for update",
            self.source
        )
        .fetch_one(connection)
        .await?;
        Ok((row.epoch, row.transaction_id, row.position))
    }

    /// Advances the locked cursor past `event`.
    async fn advance_cursor(&self, connection: &mut PgConnection, event: &Event) -> Result<(), sqlx::Error> {
        let (epoch, transaction_id, position) = log_position(event);
        sqlx::query!(
            "update event_cursors set epoch = $2, transaction_id = $3, position = $4 where source = $1",
            self.source,
            epoch,
            transaction_id,
            position,
        )
        .execute(connection)
        .await
        .map(|_| ())
    }
}

/// A position in a log; positions compare in the order of the log.
type LogPosition = (i32, i64, i64);

/// Returns the part of `events`, which are in order, that is after `reached`.
fn events_after(events: &[Event], reached: LogPosition) -> &[Event] {
    let processed = events.partition_point(|event| log_position(event) <= reached);
    events.get(processed..).unwrap_or_default()
}

fn log_position(event: &Event) -> LogPosition {
    let position = event.position.unwrap_or_default();
    (position.epoch, position.transaction_id, position.sequence)
}
