use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Password and code, like a login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReauthenticateRequest {
    #[schema(required = true, example = "correct horse battery")]
    #[serde(default)]
    password: String,
    /// Of the second factor, where there is one: six digits, or a recovery code.
    #[schema(example = "042042")]
    code: Option<String>,
}

/// Prove again who you are
///
/// Good for five minutes in this session, as a login is. Calls that change how you log in ask for it with
/// 403 `REAUTHENTICATION_REQUIRED`: enrolling a second factor, username, phone number, devices, ending other
/// sessions; with a second factor also another password or address.
#[utoipa::path(post, path = "/auth/reauthenticate", tag = "auth", request_body = ReauthenticateRequest,
    security(("access_token" = ["profile:write"])),
    responses((status = 204, description = "Proved"), WriteProblems))]
pub async fn reauthenticate(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Json(body): Json<ReauthenticateRequest>,
) -> Result<StatusCode, Problem> {
    let (password, code) = (body.password, body.code.unwrap_or_default());
    state.sessions().reauthenticate(pb::ReauthenticateRequest { password, code }).await?;
    Ok(StatusCode::NO_CONTENT)
}
