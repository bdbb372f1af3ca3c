//! The gRPC handlers: parse the request, call the use case, build the response.

mod audit_log;
mod live_events;
mod report;

use std::sync::Arc;

use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::audit_log_service_server::AuditLogServiceServer;
use fintrac_proto::notify::v1::live_event_service_server::LiveEventServiceServer;
use fintrac_proto::notify::v1::notification_service_server::{
    NotificationService, NotificationServiceServer,
};
use fintrac_proto::notify::v1::report_service_server::ReportServiceServer;
use kit_core::clock::timestamp;
use kit_service::handler::{RpcResult, parse_id, read, respond, respond_page};
use tonic::Request;
use tonic::service::Routes;

use crate::domain::notification::Notification;
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

impl From<&Notification> for pb::Notification {
    fn from(notification: &Notification) -> Self {
        Self {
            id: notification.id.to_string(),
            kind: notification.kind.public_name().to_owned(),
            title: notification.title.clone(),
            body: notification.body.clone(),
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
    ) -> RpcResult<pb::ListNotificationsResponse> {
        let (ctx, pb::ListNotificationsRequest { unread, page_size, page_token }) = read(request)?;
        respond_page(&self.0.list(&ctx, unread, page_size, &page_token).await?)
    }

    async fn update_notification(
        &self,
        request: Request<pb::UpdateNotificationRequest>,
    ) -> RpcResult<pb::UpdateNotificationResponse> {
        let (ctx, pb::UpdateNotificationRequest { notification_id, expected_version, is_read }) =
            read(request)?;
        let id = parse_id(&notification_id, "notification")?;
        respond(&self.0.mark(&ctx, id, is_read, expected_version).await?)
    }

    async fn mark_all_notifications_read(
        &self,
        request: Request<pb::MarkAllNotificationsReadRequest>,
    ) -> RpcResult<pb::MarkAllNotificationsReadResponse> {
        let (ctx, pb::MarkAllNotificationsReadRequest {}) = read(request)?;
        respond(&self.0.mark_all_read(&ctx).await?)
    }
}
