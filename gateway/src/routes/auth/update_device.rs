use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::known_device::KnownDeviceResponse;
use crate::extract::{IfMatch, Json, NoQuery, RequirePermission, not_null, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The changes to a device; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateDeviceRequest {
    /// Whether the device is marked as trusted.
    #[schema(nullable = false, example = true)]
    #[serde(default, deserialize_with = "not_null")]
    is_trusted: Option<bool>,
}

/// Update a device
///
/// Marks a device as trusted or untrusted. The mark is for your information only: it does not
/// change what a login from the device requires.
#[utoipa::path(patch, path = "/auth/devices/{id}", tag = "auth", security(("access_token" = ["profile:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdateDeviceRequest,
    responses((status = 200, description = "The device", body = KnownDeviceResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_device(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Path(device_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<UpdateDeviceRequest>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::UpdateDeviceRequest { device_id, expected_version, is_trusted: body.is_trusted };
    let device = state.sessions().update_device(request).await?.into_inner().device;
    let device = device.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(device.version))], axum::Json(KnownDeviceResponse::from(device))))
}
