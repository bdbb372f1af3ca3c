use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use super::role_view::RoleView;
use crate::extract::{NoParams, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// All roles, and all that they can be made of.
#[derive(Serialize, ToSchema)]
#[schema(as = RoleList)]
pub struct RoleListView {
    /// The built-in ones first; all of them on one page.
    data: Vec<RoleView>,
    next_page_token: Option<String>,
    /// Every permission there is.
    #[schema(example = json!(["accounts:read", "accounts:write"]))]
    permissions: Vec<String>,
}

/// List roles
///
/// With every permission there is, for making others.
#[utoipa::path(get, path = "/admin/roles", tag = "admin", security(("access_token" = ["roles:read"])),
    responses((status = 200, description = "Roles and permissions", body = RoleListView), ReadProblems))]
pub async fn list_roles(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::RolesRead>,
) -> Result<axum::Json<RoleListView>, Problem> {
    let answer = state.admin().list_roles(pb::ListRolesRequest {}).await?.into_inner();
    let data = answer.roles.into_iter().map(Into::into).collect();
    Ok(axum::Json(RoleListView { data, next_page_token: None, permissions: answer.permissions }))
}
