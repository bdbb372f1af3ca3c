use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;

use crate::extract::{IfMatch, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a device
///
/// Revokes the sessions of one of your devices. The next login with it counts as a login from a new
/// device.
#[utoipa::path(delete, path = "/auth/devices/{id}", tag = "auth", security(("access_token" = ["profile:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    responses((status = 204, description = "The device is deleted"), WriteProblems))]
pub async fn delete_device(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Path(device_id): Path<String>,
    IfMatch(expected_version): IfMatch,
) -> Result<StatusCode, Problem> {
    state.sessions().delete_device(pb::DeleteDeviceRequest { device_id, expected_version }).await?;
    Ok(StatusCode::NO_CONTENT)
}
