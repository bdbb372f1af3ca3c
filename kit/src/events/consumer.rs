//! Reading another service's log, each event with its effect exactly once.
//!
//! The cursor is locked and moved in the transaction that holds the effects, so
//! any number of replicas may read at once: who comes second finds nothing left
//! to do. What arrives together is digested together, in one transaction; when
//! that fails, event by event. What a handler asks of other services it asks
//! before the transaction opens.

use std::time::Duration;

use fintrac_proto::events::v1::event_log_service_client::EventLogServiceClient;
use fintrac_proto::events::v1::{Event, Position, SubscribeRequest};
use prost::Message as _;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::clock::Clock;
use crate::database::is_transient;
use crate::erasure;
use crate::error::chain;
use crate::transport::{NoDeadline, Transport};

/// Tries before an event that cannot be digested becomes a dead letter.
const MAX_ATTEMPTS: u32 = 5;
const MIN_RETRY_DELAY: Duration = Duration::from_millis(100);
/// Short, because whoever waits for an effect waits for this too.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Why an event had no effect yet.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// Something this needs is out of reach: tried again for as long as it takes.
    #[error("{0}")]
    Transient(String),
    /// The event itself cannot be digested.
    #[error("{0}")]
    Permanent(String),
}

impl From<sqlx::Error> for HandlerError {
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) { Self::Transient(chain(&error)) } else { Self::Permanent(chain(&error)) }
    }
}

impl From<Status> for HandlerError {
    fn from(status: Status) -> Self {
        let text = format!("{}: {}", status.code(), status.message());
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Aborted => {
                Self::Transient(text)
            }
            // Unimplemented: an older replica of that service, which an upgrade will replace.
            Code::ResourceExhausted | Code::Unauthenticated | Code::Unimplemented => Self::Transient(text),
            _ => Self::Permanent(text),
        }
    }
}

/// What a service does with another's events. It gets those that arrived
/// together, in order; when they fail, each by itself.
pub trait Handler: Send + Sync + 'static {
    /// What [`Handler::prepare`] found out.
    type Prepared: Send;

    /// Asks other services; no transaction is open.
    fn prepare(&self, events: &[Event]) -> impl Future<Output = Result<Self::Prepared, HandlerError>> + Send;

    /// The effects, in the transaction that moves the cursor.
    fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        prepared: Self::Prepared,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send;

    /// After the commit of these events' effects: wake whoever waits for them.
    fn on_commit(&self, _events: &[Event]) {}

    /// What is left of an event that becomes a dead letter, in the transaction that moves the cursor.
    fn on_dead_letter(
        &self,
        _connection: &mut PgConnection,
        _event: &Event,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send {
        async { Ok(()) }
    }

    /// Whether this event may become a dead letter; erasures never do.
    fn may_dead_letter(&self, event: &Event) -> bool {
        !erasure::is_erasure_request(event)
    }
}

/// Reads `source`'s log into `pool`'s schema.
#[derive(Debug)]
pub struct Consumer<H> {
    pub source: &'static str,
    pub log: Transport,
    pub pool: PgPool,
    pub clock: Clock,
    pub handler: H,
}

impl<H: Handler> Consumer<H> {
    /// Runs until `shutdown`, between events.
    pub async fn run(self, shutdown: CancellationToken) {
        // There from the start, so that the first one is seen as one more.
        self.dead_letter_counter().absolute(0);
        let mut retry_delay = MIN_RETRY_DELAY;
        let mut last_error = String::new();
        while !shutdown.is_cancelled() {
            let error =
                self.subscribe(&shutdown, &mut retry_delay).await.err().map(|error| error.to_string());
            let error = error.unwrap_or_default();
            // An outage is one line, however often we look.
            if !error.is_empty() && error != last_error {
                tracing::warn!(source = self.source, error, "event stream broke");
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

    /// Gives `events` their effects; what cannot be digested becomes a dead letter.
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
                    // Fewer at a time get on where many never do.
                    batch = now.len().div_ceil(2);
                    error
                }
                (Err(HandlerError::Permanent(error)), [event]) => {
                    attempts += 1;
                    if attempts >= MAX_ATTEMPTS && self.handler.may_dead_letter(event) {
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
            tracing::warn!(source = self.source, kind, id, error, "event not digested yet");
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
                // A replica was here meanwhile.
                continue;
            }
            self.handler.apply(&mut transaction, events, prepared).await?;
            self.advance_cursor(&mut transaction, last).await?;
            transaction.commit().await?;
            self.handler.on_commit(events);
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

    /// Locks the cursor; how far it has come.
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

    /// Moves the locked cursor past `event`.
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

/// A place in a log, in the order of the log.
type LogPosition = (i32, i64, i64);

/// Those of `events`, which are in order, that lie after `reached`.
fn events_after(events: &[Event], reached: LogPosition) -> &[Event] {
    let processed = events.partition_point(|event| log_position(event) <= reached);
    events.get(processed..).unwrap_or_default()
}

fn log_position(event: &Event) -> LogPosition {
    let position = event.position.unwrap_or_default();
    (position.epoch, position.transaction_id, position.sequence)
}
