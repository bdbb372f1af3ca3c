use std::pin::Pin;

use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::live_event_service_server::LiveEventService;
use futures::{Stream, StreamExt as _};
use kit_service::handler::{RpcResult, read};
use tonic::{Request, Response, Status};

use crate::domain::change::permission;
use crate::service::LiveEvents;
use crate::store::changes::LiveEvent;

/// Implements the gRPC service of live events.
#[derive(Debug, Clone)]
pub struct LiveEventsRpc(pub LiveEvents);

impl From<LiveEvent> for pb::LiveEvent {
    fn from(entry: LiveEvent) -> Self {
        Self {
            household_id: entry.household_id.to_string(),
            seq: entry.seq,
            user_id: entry.user_id.map(|id| id.to_string()).unwrap_or_default(),
            permission: permission(&entry.entity).unwrap_or_default().to_owned(),
            entity: entry.entity,
            entity_id: entry.entity_id.to_string(),
            version: entry.version,
        }
    }
}

#[tonic::async_trait]
impl LiveEventService for LiveEventsRpc {
    type StreamLiveEventsStream =
        Pin<Box<dyn Stream<Item = Result<pb::StreamLiveEventsResponse, Status>> + Send>>;

    async fn list_live_events(
        &self,
        request: Request<pb::ListLiveEventsRequest>,
    ) -> RpcResult<pb::ListLiveEventsResponse> {
        let (ctx, pb::ListLiveEventsRequest { after }) = read(request)?;
        let page = self.0.list(&ctx, after).await?;
        let events = page.entries.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListLiveEventsResponse { events, until: page.until, is_reset: page.is_reset }))
    }

    async fn stream_live_events(
        &self,
        _request: Request<pb::StreamLiveEventsRequest>,
    ) -> RpcResult<Self::StreamLiveEventsStream> {
        let batches = self.0.stream().map(|batch| {
            let entries = batch.map_err(|error| kit_db::error_status(&error))?;
            Ok(pb::StreamLiveEventsResponse { events: entries.into_iter().map(Into::into).collect() })
        });
        Ok(Response::new(Box::pin(batches)))
    }
}
