use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;

use super::response::UserResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::UserProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Get your profile
///
/// Send the `ETag` as `If-Match` when you update your profile.
#[utoipa::path(get, path = "/users/me", tag = "users", security(("access_token" = ["profile:read"])),
    responses((status = 200, description = "Your profile", body = UserResponse,
        headers(("ETag" = String, description = "The version of the editable fields"))), UserProblems))]
pub async fn get_current_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<impl IntoResponse, Problem> {
    let user = state.users().get_current_user(pb::GetCurrentUserRequest {}).await?.into_inner().user;
    let user = user.ok_or_else(Problem::internal)?;
    let etag = etag(user.version);
    Ok(([(ETAG, etag)], axum::Json(UserResponse::from(user))))
}
