use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::role_view::{RoleView, needed};
use crate::extract::{IfMatch, Json, NoParams, Permitted, not_null, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// What the role may do from now on.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateRoleRequest)]
#[serde(deny_unknown_fields)]
pub struct UpdateRoleBody {
    /// All of them.
    #[schema(required = true, nullable = false, example = json!(["audit:read"]))]
    #[serde(default, deserialize_with = "not_null")]
    permissions: Option<Vec<String>>,
}

/// Change a role
///
/// Holds for access tokens that are out, within a second.
#[utoipa::path(put, path = "/admin/roles/{name}", tag = "admin", security(("access_token" = ["roles:write"])),
    params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = UpdateRoleBody,
    responses((status = 200, description = "The role", body = RoleView, headers(("ETag" = String))), WriteProblems))]
pub async fn update_role(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::RolesWrite>,
    Path(name): Path<String>,
    IfMatch(if_version): IfMatch,
    Json(body): Json<UpdateRoleBody>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::UpdateRoleRequest { name, if_version, permissions: needed(body.permissions)? };
    let role = state.admin().update_role(request).await?.into_inner().role.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(role.version))], axum::Json(RoleView::from(role))))
}
