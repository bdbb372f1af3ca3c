use std::pin::Pin;

use fintrac_kit::access::By;
use fintrac_kit::error;
use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::feed_service_server::FeedService;
use futures::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use crate::domain::feed::permission;
use crate::service::Feed;
use crate::store::feed::Entry;

/// The live feed as tonic sees it.
#[derive(Debug, Clone)]
pub struct FeedRpc(pub Feed);

impl From<Entry> for pb::FeedEntry {
    fn from(entry: Entry) -> Self {
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
impl FeedService for FeedRpc {
    type FollowFeedStream = Pin<Box<dyn Stream<Item = Result<pb::FollowFeedResponse, Status>> + Send>>;

    async fn list_feed(
        &self,
        request: Request<pb::ListFeedRequest>,
    ) -> Result<Response<pb::ListFeedResponse>, Status> {
        let by = By::of(&request)?;
        let news = self.0.list(&by, request.into_inner().after).await?;
        let entries = news.entries.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListFeedResponse { entries, until: news.until, is_reset: news.is_reset }))
    }

    async fn follow_feed(
        &self,
        _request: Request<pb::FollowFeedRequest>,
    ) -> Result<Response<Self::FollowFeedStream>, Status> {
        let batches = self.0.follow().map(|batch| {
            let entries = batch.map_err(|error| error::database(&error))?;
            Ok(pb::FollowFeedResponse { entries: entries.into_iter().map(Into::into).collect() })
        });
        Ok(Response::new(Box::pin(batches)))
    }
}
