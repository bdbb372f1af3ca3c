use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoParams};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The proof of an address: `token`, or `email` with `code`.
#[derive(Deserialize, ToSchema)]
#[schema(as = VerifyEmailRequest)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailBody {
    /// From the link of the mail.
    token: Option<String>,
    #[schema(example = "ana@example.com")]
    email: Option<String>,
    /// The six digits of the mail.
    #[schema(example = "042042")]
    code: Option<String>,
}

impl VerifyEmailBody {
    fn check(self) -> Result<pb::VerifyEmailRequest, Problem> {
        let refused = || Problem::new("VALIDATION_FAILED", "Some fields are not acceptable; see errors.");
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        match (filled(self.token), filled(self.email), filled(self.code)) {
            (Some(token), None, None) => Ok(pb::VerifyEmailRequest { token, ..Default::default() }),
            (None, Some(email), Some(code)) => {
                Ok(pb::VerifyEmailRequest { email, code, ..Default::default() })
            }
            (None, None, None) => Err(refused().field("token", "REQUIRED", "Send token, or email and code.")),
            (None, None, Some(_)) => Err(refused().field("email", "REQUIRED", "Send it together with code.")),
            (None, Some(_), None) => Err(refused().field("code", "REQUIRED", "Send it together with email.")),
            (Some(_), _, _) => {
                Err(refused().field("token", "CONFLICTING", "Send token alone, or email and code."))
            }
        }
    }
}

/// Verify an address
///
/// Makes the household of the new user.
#[utoipa::path(post, path = "/auth/verify-email", tag = "auth", request_body = VerifyEmailBody,
    responses((status = 204, description = "Verified"), PublicProblems))]
pub async fn verify_email(
    State(state): State<AppState>,
    _query: NoParams,
    Json(body): Json<VerifyEmailBody>,
) -> Result<StatusCode, Problem> {
    state.identity().verify_email(body.check()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
