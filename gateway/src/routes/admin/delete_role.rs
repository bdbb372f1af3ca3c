use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;

use crate::extract::{IfMatch, NoParams, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a role
///
/// One that nobody has.
#[utoipa::path(delete, path = "/admin/roles/{name}", tag = "admin", security(("access_token" = ["roles:write"])),
    params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub async fn delete_role(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::RolesWrite>,
    Path(name): Path<String>,
    IfMatch(if_version): IfMatch,
) -> Result<StatusCode, Problem> {
    state.admin().delete_role(pb::DeleteRoleRequest { name, if_version }).await?;
    Ok(StatusCode::NO_CONTENT)
}
