use axum::extract::State;
use fintrac_proto::auth::v1 as pb;

use super::known_device::KnownDeviceResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

/// List devices
///
/// Lists all devices that you have logged in with on one page, most recently used first.
#[utoipa::path(get, path = "/auth/devices", tag = "auth", security(("access_token" = ["profile:read"])),
    responses((status = 200, description = "All devices", body = ListResponse<KnownDeviceResponse>), ReadProblems))]
pub async fn list_devices(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<axum::Json<ListResponse<KnownDeviceResponse>>, Problem> {
    let devices = state.sessions().list_devices(pb::ListDevicesRequest {}).await?.into_inner().devices;
    Ok(axum::Json(ListResponse::new(devices, String::new())))
}
