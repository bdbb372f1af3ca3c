use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;

use super::managed_user::ManagedUserResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Get a user
///
/// Returns the user's identity, status and roles, but no financial data.
#[utoipa::path(get, path = "/admin/users/{id}", tag = "admin", security(("access_token" = ["users:read"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The user", body = ManagedUserResponse, headers(("ETag" = String))), ReadProblems))]
pub async fn get_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::UsersRead>,
    Path(user_id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let user = state.admin().get_user(pb::GetUserRequest { user_id }).await?.into_inner().user;
    let user = user.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(user.version))], axum::Json(ManagedUserResponse::from(user))))
}
