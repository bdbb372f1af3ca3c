use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;

use crate::extract::{IfMatch, NoParams, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Forget a device
///
/// Its sessions end; the next login with it is one of a new device.
#[utoipa::path(delete, path = "/auth/devices/{id}", tag = "auth", security(("access_token" = ["profile:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    responses((status = 204, description = "Forgotten"), WriteProblems))]
pub async fn forget_device(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::ProfileWrite>,
    Path(device_id): Path<String>,
    IfMatch(if_version): IfMatch,
) -> Result<StatusCode, Problem> {
    state.sessions().forget_device(pb::ForgetDeviceRequest { device_id, if_version }).await?;
    Ok(StatusCode::NO_CONTENT)
}
