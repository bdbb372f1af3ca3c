use axum::extract::State;
use fintrac_proto::auth::v1 as pb;

use super::device_view::DeviceView;
use crate::extract::{NoParams, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::List;
use crate::state::AppState;

/// List your devices
///
/// The one seen last first; all of them on one page.
#[utoipa::path(get, path = "/auth/devices", tag = "auth", security(("access_token" = ["profile:read"])),
    responses((status = 200, description = "Devices that you have logged in with", body = List<DeviceView>), ReadProblems))]
pub async fn list_devices(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::ProfileRead>,
) -> Result<axum::Json<List<DeviceView>>, Problem> {
    let devices = state.sessions().list_devices(pb::ListDevicesRequest {}).await?.into_inner().devices;
    Ok(axum::Json(List::new(devices, String::new())))
}
