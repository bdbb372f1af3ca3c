use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::notify::v1 as pb;

use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Mark all notifications as read
///
/// Notifications that arrive during the request stay unread.
#[utoipa::path(post, path = "/notifications/read-all", tag = "notifications", security(("access_token" = ["notifications:write"])),
    responses((status = 204, description = "All notifications are marked as read"), WriteProblems))]
pub async fn mark_all_notifications_read(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::NotificationsWrite>,
) -> Result<StatusCode, Problem> {
    state.notifications().mark_all_notifications_read(pb::MarkAllNotificationsReadRequest {}).await?;
    Ok(StatusCode::NO_CONTENT)
}
