use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The secret for an authenticator app.
#[derive(Serialize, ToSchema)]
#[schema(as = TotpEnrollment)]
pub struct TotpEnrollmentResponse {
    /// The secret in Base32, for manual entry.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// The secret as a URI for authenticator apps.
    #[schema(
        example = "otpauth://totp/FinTrac:ana%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=FinTrac"
    )]
    otpauth_uri: String,
    /// The URI as a QR code (SVG), to be scanned.
    #[schema(example = "<svg xmlns=\"http://www.w3.org/2000/svg\">…</svg>")]
    qr_svg: String,
}

/// Enroll a second factor
///
/// The second factor takes effect when you confirm it with its first code. A second request
/// replaces an enrollment that is not confirmed.
#[utoipa::path(post, path = "/auth/mfa/totp", tag = "auth", security(("access_token" = ["profile:write"])),
    responses((status = 200, description = "The secret for the authenticator app", body = TotpEnrollmentResponse), WriteProblems))]
pub async fn enroll_totp(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
) -> Result<axum::Json<TotpEnrollmentResponse>, Problem> {
    let response = state.mfa().enroll_totp(pb::EnrollTotpRequest {}).await?.into_inner();
    let pb::EnrollTotpResponse { secret, otpauth_uri, qr_svg } = response;
    Ok(axum::Json(TotpEnrollmentResponse { secret, otpauth_uri, qr_svg }))
}
