//! The RPC service that streams the event log.

use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fintrac_proto::events::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use fintrac_proto::events::v1::{Event, Position, SubscribeRequest, SubscribeResponse};
use futures::Stream;
use kit_access::Caller;
use kit_core::clock::{Clock, timestamp};
use kit_core::error::{ProblemCode, RpcError};
use kit_core::wake_signal::WakeSignal;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// The interval at which the log is polled without a wake signal.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The number of events per message.
const BATCH_SIZE: i64 = 500;
/// The duration of a stream, after which a reader subscribes at its position.
const MAX_STREAM_DURATION: TimeDelta = TimeDelta::hours(12);

/// The event log of one service, for the services that may read it.
#[derive(Debug, Clone)]
pub struct EventLog {
    pool: PgPool,
    event_log_signal: WakeSignal,
    readers: &'static [&'static str],
    clock: Clock,
    closing: CancellationToken,
}

impl EventLog {
    /// Creates the RPC service of a log.
    /// `readers` are the services that may subscribe; `closing` ends all streams.
    pub fn new(
        pool: PgPool,
        event_log_signal: WakeSignal,
        readers: &'static [&'static str],
        clock: Clock,
        closing: CancellationToken,
    ) -> Self {
        Self { pool, event_log_signal, readers, clock, closing }
    }

    /// Converts this into a gRPC service.
    pub fn into_service(self) -> EventLogServiceServer<Self> {
        EventLogServiceServer::new(self)
    }
}

#[tonic::async_trait]
impl EventLogService for EventLog {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let caller = Caller::from_request(&request).service;
        let Some(reader) = caller.filter(|service| self.readers.contains(&service.as_str())) else {
            let message = "The service is not allowed to read this event log.";
            return Err(RpcError::new(ProblemCode::CallerNotAdmitted, message).into());
        };
        let mut after = request.into_inner().after.unwrap_or_default();
        record_reader_position(&self.pool, &reader, &after, self.clock.now())
            .await
            .map_err(|error| kit_db::error_status(&error))?;
        let (clock, end) = (self.clock.clone(), self.clock.now() + MAX_STREAM_DURATION);
        let pool = self.pool.clone();
        let mut listener = self.event_log_signal.subscribe();
        let closing = self.closing.clone();
        let stream = async_stream::try_stream! {
            while !closing.is_cancelled() && clock.now() < end {
                let events = read_events(&pool, &after).await.map_err(|error| kit_db::error_status(&error))?;
                match events.last().and_then(|event| event.position) {
                    Some(position) => {
                        after = position;
                        yield SubscribeResponse { events };
                    }
                    None => {
                        let _closing = closing.run_until_cancelled(listener.wait(POLL_INTERVAL)).await;
                    }
                }
            }
        };
        Ok(Response::new(Box::pin(stream)))
    }
}

/// Records a reader's position; its replicas may report positions in any order.
async fn record_reader_position(
    pool: &PgPool,
    reader: &str,
    after: &Position,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into event_readers (reader, epoch, transaction_id, position, subscribed_at)
           values ($1, $2, $3, $4, $5)
           on conflict (reader) do update
           set epoch = excluded.epoch, transaction_id = excluded.transaction_id, position = excluded.position,
               subscribed_at = excluded.subscribed_at
           where (event_readers.epoch, event_readers.transaction_id, event_readers.position)
               <= (excluded.epoch, excluded.transaction_id, excluded.position)"#,
        reader,
        after.epoch,
        after.transaction_id,
        after.sequence,
        now,
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Reads the next events after `after`, from its epoch or the next with events.
async fn read_events(pool: &PgPool, after: &Position) -> Result<Vec<Event>, sqlx::Error> {
    let mut after = *after;
    loop {
        // Read first: an epoch with a successor is closed, so no events means its end.
        let next = sqlx::query_scalar!("select min(epoch) from event_epochs where epoch > $1", after.epoch)
            .fetch_one(pool)
            .await?;
        let events = read_epoch(pool, &after).await?;
        match next {
            Some(epoch) if events.is_empty() => {
                after = Position { epoch, transaction_id: 0, sequence: 0 };
            }
            _ => return Ok(events),
        }
    }
}

/// Reads the next events of one epoch.
/// A comparison of all three columns would make the planner sort all later events. In the current
/// epoch it reads only transactions below the visibility horizon: all of them have ended, so none
/// can still commit at a position that was passed. Older epochs are closed.
async fn read_epoch(pool: &PgPool, after: &Position) -> Result<Vec<Event>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select epoch, transaction_id::text::bigint as "transaction_id!", position, id, partition, household_id,
                  user_id, entity, entity_id, version, kind, changed, actor, host(client_ip) as client_ip,
                  user_agent, request_id, occurred_at
           from events
           where epoch = $1 and (transaction_id, position) > ($2::bigint::text::xid8, $3)
             and (epoch < (select max(epoch) from event_epochs)
                  or transaction_id < pg_snapshot_xmin(pg_current_snapshot()))
           order by events.epoch, events.transaction_id, events.position
           limit $4"#,
        after.epoch,
        after.transaction_id,
        after.sequence,
        BATCH_SIZE,
    )
    .fetch_all(pool)
    .await?;
    let events = rows.into_iter().map(|row| Event {
        position: Some(Position {
            epoch: row.epoch,
            transaction_id: row.transaction_id,
            sequence: row.position,
        }),
        id: row.id.to_string(),
        partition: row.partition.into(),
        household_id: row.household_id.map(|id| id.to_string()).unwrap_or_default(),
        user_id: row.user_id.map(|id| id.to_string()).unwrap_or_default(),
        entity: row.entity,
        entity_id: row.entity_id.to_string(),
        version: row.version,
        kind: row.kind,
        changed: row.changed,
        actor: row.actor,
        client_ip: row.client_ip.unwrap_or_default(),
        user_agent: row.user_agent,
        request_id: row.request_id,
        occurred_at: Some(timestamp(row.occurred_at)),
    });
    Ok(events.collect())
}
