use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::notify::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::NotificationResponse;
use crate::extract::{IdempotentJson, IfMatch, NoQuery, RequirePermission, not_null, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The changes to a notification; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkNotificationRequest {
    /// Whether the notification is marked as read.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "not_null")]
    is_read: Option<bool>,
}

/// Update a notification
///
/// Marks a notification as read or unread. Your other devices are notified by live events.
#[utoipa::path(patch, path = "/notifications/{id}", tag = "notifications", security(("access_token" = ["notifications:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = MarkNotificationRequest,
    responses((status = 200, description = "The notification", body = NotificationResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn mark_notification(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::NotificationsWrite>,
    Path(notification_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, MarkNotificationRequest { is_read }): IdempotentJson<MarkNotificationRequest>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::UpdateNotificationRequest { notification_id, expected_version, is_read };
    let response = state.notifications().update_notification(idempotency.request(request)).await?;
    let notification = response.into_inner().notification.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(notification.version))], axum::Json(NotificationResponse::from(notification))))
}
