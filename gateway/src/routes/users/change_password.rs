use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The current and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// The current password.
    #[schema(required = true, example = "correct horse battery")]
    #[serde(default)]
    current_password: String,
    /// The new password: 12 to 128 characters.
    /// It must not be common, easy to guess, or contain the name or email address.
    #[schema(required = true, example = "four quiet words here", min_length = 12, max_length = 128)]
    #[serde(default)]
    new_password: String,
}

/// Change your password
///
/// Ends all of your other sessions.
#[utoipa::path(post, path = "/users/me/change-password", tag = "users", security(("access_token" = ["profile:write"])),
    request_body = ChangePasswordRequest,
    responses((status = 204, description = "The password is changed"), WriteProblems))]
pub async fn change_password(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Json(body): Json<ChangePasswordRequest>,
) -> Result<StatusCode, Problem> {
    let ChangePasswordRequest { current_password, new_password } = body;
    state.users().change_password(pb::ChangePasswordRequest { current_password, new_password }).await?;
    Ok(StatusCode::NO_CONTENT)
}
