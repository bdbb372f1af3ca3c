use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::device_view::DeviceView;
use crate::extract::{IfMatch, Json, NoParams, Permitted, not_null, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// What is to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateDeviceRequest)]
#[serde(deny_unknown_fields)]
pub struct UpdateDeviceBody {
    #[schema(nullable = false, example = true)]
    #[serde(default, deserialize_with = "not_null")]
    is_trusted: Option<bool>,
}

/// Mark a device as trusted, or not
///
/// A note for yourself: it changes nothing about what logging in from it takes.
#[utoipa::path(patch, path = "/auth/devices/{id}", tag = "auth", security(("access_token" = ["profile:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = UpdateDeviceBody,
    responses((status = 200, description = "The device", body = DeviceView, headers(("ETag" = String))), WriteProblems))]
pub async fn update_device(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::ProfileWrite>,
    Path(device_id): Path<String>,
    IfMatch(if_version): IfMatch,
    Json(body): Json<UpdateDeviceBody>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::UpdateDeviceRequest { device_id, if_version, is_trusted: body.is_trusted };
    let device = state.sessions().update_device(request).await?.into_inner().device;
    let device = device.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(device.version))], axum::Json(DeviceView::from(device))))
}
