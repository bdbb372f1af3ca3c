use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use super::role::RoleResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// All roles, and all permissions that a role can have.
#[derive(Serialize, ToSchema)]
#[schema(as = RoleList)]
pub struct RoleListResponse {
    /// All roles on one page, built-in roles first.
    data: Vec<RoleResponse>,
    /// Always null: all roles are on one page.
    next_page_token: Option<String>,
    /// All permissions that a role can have.
    #[schema(example = json!(["accounts:read", "accounts:write"]))]
    permissions: Vec<String>,
}

/// List roles
///
/// Returns all roles, and all permissions that a role can have.
#[utoipa::path(get, path = "/admin/roles", tag = "admin", security(("access_token" = ["roles:read"])),
    responses((status = 200, description = "All roles and permissions", body = RoleListResponse), ReadProblems))]
pub async fn list_roles(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::RolesRead>,
) -> Result<axum::Json<RoleListResponse>, Problem> {
    let response = state.admin().list_roles(pb::ListRolesRequest {}).await?.into_inner();
    let data = response.roles.into_iter().map(Into::into).collect();
    Ok(axum::Json(RoleListResponse { data, next_page_token: None, permissions: response.permissions }))
}
