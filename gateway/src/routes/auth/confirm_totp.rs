use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Json, NoParams, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The first code of an enrolment.
#[derive(Deserialize, ToSchema)]
#[schema(as = ConfirmTotpRequest)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotpBody {
    /// The six digits that the app shows.
    #[schema(required = true, example = "042042")]
    #[serde(default)]
    code: String,
}

/// For whoever loses the app: each logs in once. They are not shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodes)]
pub struct RecoveryCodesView {
    #[schema(example = json!(["k7qd-x2mp-93aw-hr5t"]))]
    recovery_codes: Vec<String>,
}

/// Put a second factor in force
///
/// From now on a login needs a code.
#[utoipa::path(post, path = "/auth/mfa/totp/confirm", tag = "auth", request_body = ConfirmTotpBody,
    security(("access_token" = ["profile:write"])),
    responses((status = 200, description = "Ten recovery codes, shown once", body = RecoveryCodesView), WriteProblems))]
pub async fn confirm_totp(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::ProfileWrite>,
    Json(body): Json<ConfirmTotpBody>,
) -> Result<axum::Json<RecoveryCodesView>, Problem> {
    let answer = state.mfa().confirm_totp(pb::ConfirmTotpRequest { code: body.code }).await?.into_inner();
    Ok(axum::Json(RecoveryCodesView { recovery_codes: answer.recovery_codes }))
}
