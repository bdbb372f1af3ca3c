use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Your password and second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReauthenticateRequest {
    #[schema(required = true, example = "correct horse battery")]
    #[serde(default)]
    password: String,
    /// The code of the second factor (six digits) or a recovery code.
    /// Required if a second factor is enabled.
    #[schema(example = "042042")]
    code: Option<String>,
}

/// Reauthenticate
///
/// A reauthentication is valid for five minutes in this session; a login counts as one. Operations
/// that change how you log in require it and otherwise respond with 403
/// `REAUTHENTICATION_REQUIRED`: enrolling a second factor, changing username, phone number or
/// devices, and ending other sessions. If a second factor is enabled, changing the password or
/// email address requires it as well.
#[utoipa::path(post, path = "/auth/reauthenticate", tag = "auth", request_body = ReauthenticateRequest,
    security(("access_token" = ["profile:write"])),
    responses((status = 204, description = "The session is reauthenticated"), WriteProblems))]
pub async fn reauthenticate_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Json(body): Json<ReauthenticateRequest>,
) -> Result<StatusCode, Problem> {
    let (password, code) = (body.password, body.code.unwrap_or_default());
    state.sessions().reauthenticate(pb::ReauthenticateRequest { password, code }).await?;
    Ok(StatusCode::NO_CONTENT)
}
