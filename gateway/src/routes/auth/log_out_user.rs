use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoQuery, User};
use crate::openapi::UserProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The session to end; without a body, the session of the access token.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogoutRequest {
    /// The refresh token of the session to end; default: the session of the access token.
    refresh_token: Option<String>,
}

/// Log out
///
/// Ends the session of the access token, or of `refresh_token`. Its access tokens are rejected
/// within a second.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", request_body = Option<LogoutRequest>,
    security(("access_token" = [])),
    responses((status = 204, description = "The session is ended"), UserProblems))]
pub async fn log_out_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: User,
    body: Option<Json<LogoutRequest>>,
) -> Result<StatusCode, Problem> {
    let refresh_token = body.and_then(|Json(body)| body.refresh_token).unwrap_or_default();
    state.identity().logout(pb::LogoutRequest { refresh_token }).await?;
    Ok(StatusCode::NO_CONTENT)
}
