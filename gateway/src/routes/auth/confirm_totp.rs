use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Json, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The confirmation of a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotpRequest {
    /// The six digits that the authenticator app shows.
    #[schema(required = true, example = "042042")]
    #[serde(default)]
    code: String,
}

/// The recovery codes, which are returned only once.
///
/// Each is valid for one login in place of the authenticator app.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodes)]
pub struct RecoveryCodesResponse {
    /// The recovery codes.
    #[schema(example = json!(["k7qd-x2mp-93aw-hr5t"]))]
    recovery_codes: Vec<String>,
}

/// Confirm the second factor
///
/// Confirms the enrollment with the first code and enables the second factor: from then on, a login
/// requires a code. Returns the recovery codes, which are not shown again.
#[utoipa::path(post, path = "/auth/mfa/totp/confirm", tag = "auth", request_body = ConfirmTotpRequest,
    security(("access_token" = ["profile:write"])),
    responses((status = 200, description = "Ten recovery codes", body = RecoveryCodesResponse), WriteProblems))]
pub async fn confirm_totp(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Json(body): Json<ConfirmTotpRequest>,
) -> Result<axum::Json<RecoveryCodesResponse>, Problem> {
    let response = state.mfa().confirm_totp(pb::ConfirmTotpRequest { code: body.code }).await?.into_inner();
    Ok(axum::Json(RecoveryCodesResponse { recovery_codes: response.recovery_codes }))
}
