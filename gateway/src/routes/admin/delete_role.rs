use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;

use crate::extract::{IfMatch, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a role
///
/// Rejected if a user has the role.
#[utoipa::path(delete, path = "/admin/roles/{name}", tag = "admin", security(("access_token" = ["roles:write"])),
    params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "Rejected with 412 unless this is the current ETag")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
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
