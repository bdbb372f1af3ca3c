//! A fake event log of another service, which a test writes.

use std::pin::Pin;

use chrono::DateTime;
use fintrac_proto::events::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use fintrac_proto::events::v1::{Event, Position, SubscribeRequest, SubscribeResponse};
use futures::Stream;
use kit_core::random::Random;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

/// A fake event log with its events in order.
#[derive(Debug, Clone, Default)]
pub struct FakeEventLog(watch::Sender<Vec<Event>>);

impl FakeEventLog {
    /// Appends an event; the log assigns its position and its id.
    ///
    /// # Panics
    /// Never.
    pub fn append(&self, event: Event) {
        self.0.send_modify(|events| {
            let sequence = i64::try_from(events.len()).expect("few events") + 1;
            events.push(Event {
                position: Some(Position { epoch: 1, transaction_id: sequence, sequence }),
                id: Random::System.id(DateTime::from_timestamp(sequence, 0).expect("an instant")).to_string(),
                ..event
            });
        });
    }

    /// Converts this into a gRPC service.
    pub fn into_service(self) -> EventLogServiceServer<Self> {
        EventLogServiceServer::new(self)
    }
}

#[tonic::async_trait]
impl EventLogService for FakeEventLog {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let after = request.into_inner().after.map_or(0, |after| after.sequence);
        let mut seen = usize::try_from(after).unwrap_or_default();
        let mut events = self.0.subscribe();
        Ok(Response::new(Box::pin(async_stream::stream! {
            loop {
                let fresh = events.borrow_and_update().get(seen..).unwrap_or_default().to_vec();
                seen += fresh.len();
                if !fresh.is_empty() {
                    yield Ok(SubscribeResponse { events: fresh });
                }
                if events.changed().await.is_err() {
                    return;
                }
            }
        })))
    }
}
