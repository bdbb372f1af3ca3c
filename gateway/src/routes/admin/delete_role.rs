use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;

use crate::extract::{IfMatch, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a role
///
/// The request is rejected with 409 `ROLE_IN_USE` if a user has the role.
#[utoipa::path(delete, path = "/admin/roles/{name}", tag = "admin", security(("access_token" = ["roles:write"])),
    params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    responses((status = 204, description = "The role is deleted"), WriteProblems))]
pub async fn delete_role(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::RolesWrite>,
    Path(name): Path<String>,
    IfMatch(expected_version): IfMatch,
) -> Result<StatusCode, Problem> {
    state.admin().delete_role(pb::DeleteRoleRequest { name, expected_version }).await?;
    Ok(StatusCode::NO_CONTENT)
}
