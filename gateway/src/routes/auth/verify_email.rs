use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::proof::Proof;
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
    /// The address that the mail went to.
    #[schema(example = "ana@example.com")]
    email: Option<String>,
    /// The eight letters and digits of the mail; letter case does not matter.
    #[schema(example = "K7MQ2XRD")]
    code: Option<String>,
}

/// Verify an address
///
/// Of a new user, for whom it makes the household; or of a user who changes his address.
#[utoipa::path(post, path = "/auth/verify-email", tag = "auth", request_body = VerifyEmailBody,
    responses((status = 204, description = "Verified"), PublicProblems))]
pub async fn verify_email(
    State(state): State<AppState>,
    _query: NoParams,
    Json(body): Json<VerifyEmailBody>,
) -> Result<StatusCode, Problem> {
    let Proof { token, email, code } = Proof::check(body.token, body.email, body.code)?;
    state.identity().verify_email(pb::VerifyEmailRequest { token, email, code }).await?;
    Ok(StatusCode::NO_CONTENT)
}
