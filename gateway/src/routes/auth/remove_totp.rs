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
pub struct RemoveTotpRequest {
    #[schema(required = true, example = "correct horse battery")]
    #[serde(default)]
    password: String,
    /// The code of the second factor (six digits) or a recovery code.
    #[schema(required = true, example = "042042")]
    #[serde(default)]
    code: String,
}

/// Remove the second factor
///
/// Requires the password and a code of the authenticator app or a recovery code. You are notified
/// of the change by email.
#[utoipa::path(delete, path = "/auth/mfa/totp", tag = "auth", request_body = RemoveTotpRequest,
    security(("access_token" = ["profile:write"])),
    responses((status = 204, description = "The second factor is removed"), WriteProblems))]
pub async fn remove_totp(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Json(body): Json<RemoveTotpRequest>,
) -> Result<StatusCode, Problem> {
    let RemoveTotpRequest { password, code } = body;
    state.mfa().remove_totp(pb::RemoveTotpRequest { password, code }).await?;
    Ok(StatusCode::NO_CONTENT)
}
