use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::role::{RoleResponse, require_permissions};
use crate::extract::{IfMatch, Json, NoQuery, RequirePermission, not_null, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The new permissions of a role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRoleRequest {
    /// The complete list of permissions, each as `resource:action`; may be empty.
    #[schema(required = true, nullable = false, example = json!(["audit:read"]))]
    #[serde(default, deserialize_with = "not_null")]
    permissions: Option<Vec<String>>,
}

/// Update a role
///
/// The new permissions take effect within a second, also for access tokens that are already issued.
#[utoipa::path(put, path = "/admin/roles/{name}", tag = "admin", security(("access_token" = ["roles:write"])),
    params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdateRoleRequest,
    responses((status = 200, description = "The role", body = RoleResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_role(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::RolesWrite>,
    Path(name): Path<String>,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<UpdateRoleRequest>,
) -> Result<impl IntoResponse, Problem> {
    let request =
        pb::UpdateRoleRequest { name, expected_version, permissions: require_permissions(body.permissions)? };
    let role = state.admin().update_role(request).await?.into_inner().role.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(role.version))], axum::Json(RoleResponse::from(role))))
}
