use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;

use crate::extract::{NoQuery, User};
use crate::openapi::UserProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Log out everywhere
///
/// Ends all of your sessions, including the current one.
#[utoipa::path(post, path = "/auth/logout-all", tag = "auth", security(("access_token" = [])),
    responses((status = 204, description = "All sessions are ended"), UserProblems))]
pub async fn log_out_all_sessions(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: User,
) -> Result<StatusCode, Problem> {
    state.identity().logout_all(pb::LogoutAllRequest {}).await?;
    Ok(StatusCode::NO_CONTENT)
}
