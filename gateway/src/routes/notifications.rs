use axum::extract::{Path, State};
use fintrac_proto::notify::v1 as pb;
use utoipa_axum::router::OpenApiRouter;

use crate::extract::{
    IdempotentJson, IfMatch, NoQuery, PageLink, RequirePermission, StrictQuery, permission,
};
use crate::openapi::operation::routes;
use crate::problem::Problem;
use crate::response::{NoContent, PageOf, Versioned};
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_notifications))
        .routes(routes!(mark_notification))
        .routes(routes!(mark_all_notifications_read))
}

/// List notifications
///
/// Lists the notifications in your inbox, newest first.
#[utoipa::path(get, path = "/notifications", tag = "notifications")]
async fn list_notifications(
    State(state): State<AppState>,
    _user: RequirePermission<permission::NotificationsRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListNotificationsRequest>,
) -> Result<PageOf<pb::Notification>, Problem> {
    Ok(link.page(state.notifications().list_notifications(request).await?))
}

/// Update a notification
///
/// Marks a notification as read or unread. Your other devices are notified by live events.
#[utoipa::path(patch, path = "/notifications/{id}", tag = "notifications")]
async fn mark_notification(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::NotificationsWrite>,
    Path(notification_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<pb::UpdateNotificationRequest>,
) -> Result<Versioned<pb::Notification>, Problem> {
    let request = pb::UpdateNotificationRequest { notification_id, expected_version, ..body };
    Versioned::new(state.notifications().update_notification(idempotency.request(request)).await?)
}

/// Mark all notifications as read
///
/// Notifications that arrive during the request stay unread.
#[utoipa::path(post, path = "/notifications/read-all", tag = "notifications")]
async fn mark_all_notifications_read(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::NotificationsWrite>,
) -> Result<NoContent, Problem> {
    state.notifications().mark_all_notifications_read(pb::MarkAllNotificationsReadRequest {}).await?;
    Ok(NoContent)
}
