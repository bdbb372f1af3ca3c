use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// What an authenticator app needs.
#[derive(Serialize, ToSchema)]
#[schema(as = TotpEnrollment)]
pub struct TotpEnrollmentResponse {
    /// Base32, to be typed.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    #[schema(
        example = "otpauth://totp/FinTrac:ana%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=FinTrac"
    )]
    otpauth_uri: String,
    /// The same as a picture to be scanned.
    #[schema(example = "<svg xmlns=\"http://www.w3.org/2000/svg\">…</svg>")]
    qr_svg: String,
}

/// Begin with a second factor
///
/// It counts once it is confirmed by its first code; a second call replaces an enrolment that was
/// not confirmed.
#[utoipa::path(post, path = "/auth/mfa/totp", tag = "auth", security(("access_token" = ["profile:write"])),
    responses((status = 200, description = "What an authenticator app needs", body = TotpEnrollmentResponse), WriteProblems))]
pub async fn enroll_totp(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
) -> Result<axum::Json<TotpEnrollmentResponse>, Problem> {
    let response = state.mfa().enroll_totp(pb::EnrollTotpRequest {}).await?.into_inner();
    let pb::EnrollTotpResponse { secret, otpauth_uri, qr_svg } = response;
    Ok(axum::Json(TotpEnrollmentResponse { secret, otpauth_uri, qr_svg }))
}
