use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::notify::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::NotificationView;
use crate::extract::{IfMatch, NoParams, OnceJson, Permitted, not_null, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// Whether it is read.
#[derive(Deserialize, ToSchema)]
#[schema(as = MarkNotificationRequest)]
#[serde(deny_unknown_fields)]
pub struct MarkNotificationBody {
    /// Absent: as it is.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "not_null")]
    is_read: Option<bool>,
}

/// Mark a notification as read, or as unread again
///
/// Your other devices hear of it by the live events.
#[utoipa::path(patch, path = "/notifications/{id}", tag = "notifications", security(("access_token" = ["notifications:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = MarkNotificationBody,
    responses((status = 200, description = "The notification", body = NotificationView, headers(("ETag" = String))), WriteProblems))]
pub async fn mark_notification(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::NotificationsWrite>,
    Path(notification_id): Path<String>,
    IfMatch(if_version): IfMatch,
    OnceJson(once, MarkNotificationBody { is_read }): OnceJson<MarkNotificationBody>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::MarkNotificationRequest { notification_id, if_version, is_read };
    let answer = state.notifications().mark_notification(once.request(request)).await?;
    let notification = answer.into_inner().notification.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(notification.version))], axum::Json(NotificationView::from(notification))))
}
