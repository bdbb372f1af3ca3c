use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::email_proof::EmailProof;
use crate::extract::{Json, NoQuery};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The proof of an email address: `token`, or `email` and `code`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailRequest {
    /// The token from the link in the email.
    token: Option<String>,
    /// The address to which the email was sent; send it together with `code`.
    #[schema(example = "ana@example.com")]
    email: Option<String>,
    /// The eight letters and digits from the email, in any letter case.
    #[schema(example = "K7MQ2XRD")]
    code: Option<String>,
}

/// Verify an email address
///
/// Verifies the address of a new user and creates the household, or confirms the new address of an
/// existing user.
#[utoipa::path(post, path = "/auth/verify-email", tag = "auth", request_body = VerifyEmailRequest,
    responses((status = 204, description = "The email address is verified"), PublicProblems))]
pub async fn verify_email(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(body): Json<VerifyEmailRequest>,
) -> Result<StatusCode, Problem> {
    let EmailProof { token, email, code } = EmailProof::parse(body.token, body.email, body.code)?;
    state.identity().verify_email(pb::VerifyEmailRequest { token, email, code }).await?;
    Ok(StatusCode::NO_CONTENT)
}
