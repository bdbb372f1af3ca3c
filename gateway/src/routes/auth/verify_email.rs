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

/// The proof of an address: `token`, or `email` with `code`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailRequest {
    /// From the link of the email.
    token: Option<String>,
    /// The address that the email went to.
    #[schema(example = "ana@example.com")]
    email: Option<String>,
    /// The eight letters and digits of the email; letter case does not matter.
    #[schema(example = "K7MQ2XRD")]
    code: Option<String>,
}

/// Verify an address
///
/// Of a new user, for whom it makes the household; or of a user who changes his address.
#[utoipa::path(post, path = "/auth/verify-email", tag = "auth", request_body = VerifyEmailRequest,
    responses((status = 204, description = "Verified"), PublicProblems))]
pub async fn verify_email(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(body): Json<VerifyEmailRequest>,
) -> Result<StatusCode, Problem> {
    let EmailProof { token, email, code } = EmailProof::parse(body.token, body.email, body.code)?;
    state.identity().verify_email(pb::VerifyEmailRequest { token, email, code }).await?;
    Ok(StatusCode::NO_CONTENT)
}
