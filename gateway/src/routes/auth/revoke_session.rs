use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;

use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Revoke a session
///
/// Ends one of your sessions. Its access tokens are rejected within a second.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "auth", security(("access_token" = ["profile:write"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "The session is ended"), WriteProblems))]
pub async fn revoke_session(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Path(session_id): Path<String>,
) -> Result<StatusCode, Problem> {
    state.sessions().revoke_session(pb::RevokeSessionRequest { session_id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
