//! The gRPC handlers: parse the request, call the use case, build the response.

mod audit_log;
mod live_events;
mod report;

use std::sync::Arc;

use fintrac_kit::access::RequestContext;
use fintrac_kit::clock::timestamp;
use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::audit_log_service_server::AuditLogServiceServer;
use fintrac_proto::notify::v1::live_event_service_server::LiveEventServiceServer;
use fintrac_proto::notify::v1::notification_service_server::{
    NotificationService, NotificationServiceServer,
};
use fintrac_proto::notify::v1::report_service_server::ReportServiceServer;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::domain::notification::Notification;
use crate::error::Error;
use crate::service::{Inbox, LiveEvents, Reports};
use live_events::LiveEventsRpc;
use report::ReportRpc;

/// Implements the gRPC services of the inbox and the audit log.
#[derive(Debug, Clone)]
struct Rpc(Arc<Inbox>);

/// Adds all gRPC services of notify-svc.
pub fn routes(routes: Routes, inbox: Inbox, live_events: LiveEvents, reports: Reports) -> Routes {
    let rpc = Rpc(Arc::new(inbox));
    routes
        .add_service(AuditLogServiceServer::new(rpc.clone()))
        .add_service(LiveEventServiceServer::new(LiveEventsRpc(live_events)))
        .add_service(ReportServiceServer::new(ReportRpc(reports)))
        .add_service(NotificationServiceServer::new(rpc))
}

impl From<Notification> for pb::Notification {
    fn from(notification: Notification) -> Self {
        Self {
            id: notification.id.to_string(),
            kind: notification.kind.public_name().to_owned(),
            title: notification.title,
            body: notification.body,
            entity: notification.kind.entity().to_owned(),
            entity_id: notification.entity_id.to_string(),
            created_at: Some(timestamp(notification.created_at)),
            read_at: notification.read_at.map(timestamp),
            version: notification.version,
        }
    }
}

#[tonic::async_trait]
impl NotificationService for Rpc {
    async fn list_notifications(
        &self,
        request: Request<pb::ListNotificationsRequest>,
    ) -> Result<Response<pb::ListNotificationsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListNotificationsRequest { unread, page_size, page_token } = request.into_inner();
        let page = self.0.list(&ctx, unread, page_size, &page_token).await?;
        let notifications = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListNotificationsResponse { notifications, next_page_token }))
    }

    async fn update_notification(
        &self,
        request: Request<pb::UpdateNotificationRequest>,
    ) -> Result<Response<pb::UpdateNotificationResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::UpdateNotificationRequest { notification_id, expected_version, is_read } =
            request.into_inner();
        let id = Uuid::parse_str(&notification_id).map_err(|_| Error::NotFound("notification"))?;
        let notification = self.0.mark(&ctx, id, is_read, expected_version).await?;
        Ok(Response::new(pb::UpdateNotificationResponse { notification: Some(notification.into()) }))
    }

    async fn mark_all_notifications_read(
        &self,
        request: Request<pb::MarkAllNotificationsReadRequest>,
    ) -> Result<Response<pb::MarkAllNotificationsReadResponse>, Status> {
        self.0.mark_all_read(&RequestContext::from_request(&request)?).await?;
        Ok(Response::new(pb::MarkAllNotificationsReadResponse {}))
    }
}
