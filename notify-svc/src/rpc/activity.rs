use chrono::{DateTime, Utc};
use fintrac_kit::access::By;
use fintrac_kit::clock::timestamp;
use fintrac_kit::error::Violation;
use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::activity_service_server::ActivityService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Rpc;
use crate::error::Error;
use crate::store::activity::{Activity, Filter};

impl From<Activity> for pb::Activity {
    fn from(activity: Activity) -> Self {
        let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        Self {
            id: activity.id.to_string(),
            part: activity.part,
            action: activity.kind,
            entity: activity.entity,
            entity_id: activity.entity_id.to_string(),
            version: activity.version,
            changed: activity.changed,
            actor: activity.actor,
            user_id: id(activity.user_id),
            household_id: id(activity.household_id),
            client_ip: activity.client_ip.unwrap_or_default(),
            user_agent: activity.user_agent,
            request_id: activity.request_id,
            occurred_at: Some(timestamp(activity.occurred_at)),
        }
    }
}

/// An id in a filter; empty: any.
fn id(field: &str, text: &str) -> Result<Option<Uuid>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let refused = |_| Error::Query(vec![Violation::new(field, "PARAMETER_INVALID", "Send a UUID.")]);
    Uuid::parse_str(text).map(Some).map_err(refused)
}

fn filter(request: &pb::ListActivityRequest) -> Result<Filter, Error> {
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let instant = |at: Option<prost_types::Timestamp>| -> Option<DateTime<Utc>> {
        let at = at?;
        DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?)
    };
    Ok(Filter {
        user_id: id("user_id", &request.user_id)?,
        action: text(&request.action),
        entity: text(&request.entity),
        entity_id: id("entity_id", &request.entity_id)?,
        from: instant(request.from),
        to: instant(request.to),
    })
}

#[tonic::async_trait]
impl ActivityService for Rpc {
    async fn list_my_activity(
        &self,
        request: Request<pb::ListMyActivityRequest>,
    ) -> Result<Response<pb::ListMyActivityResponse>, Status> {
        let by = By::of(&request)?;
        let pb::ListMyActivityRequest { page_size, page_token } = request.into_inner();
        let page = self.0.list_my_activity(&by, page_size, &page_token).await?;
        let activities = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next.unwrap_or_default();
        Ok(Response::new(pb::ListMyActivityResponse { activities, next_page_token }))
    }

    async fn list_activity(
        &self,
        request: Request<pb::ListActivityRequest>,
    ) -> Result<Response<pb::ListActivityResponse>, Status> {
        let request = request.into_inner();
        let page = self.0.list_activity(&filter(&request)?, request.page_size, &request.page_token).await?;
        let activities = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next.unwrap_or_default();
        Ok(Response::new(pb::ListActivityResponse { activities, next_page_token }))
    }
}
