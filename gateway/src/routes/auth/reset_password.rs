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

/// The new password, with the proof from the email: `token`, or `email` and `code`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// The token from the link in the email.
    token: Option<String>,
    /// The email address; send it together with `code`.
    #[schema(example = "ana@example.com")]
    email: Option<String>,
    /// The eight letters and digits from the email, in any letter case.
    #[schema(example = "K7MQ2XRD")]
    code: Option<String>,
    /// The new password: 12 to 128 characters.
    /// It must not be common, easy to guess, or contain the name or email address.
    #[schema(required = true, example = "four quiet words here", min_length = 12, max_length = 128)]
    #[serde(default)]
    new_password: String,
}

/// Reset the password
///
/// Ends all sessions of the user. A second factor remains enabled. The token or code stays valid if
/// the new password is rejected.
#[utoipa::path(post, path = "/auth/reset-password", tag = "auth", request_body = ResetPasswordRequest,
    responses((status = 204, description = "The password is changed"), PublicProblems))]
pub async fn reset_password(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(body): Json<ResetPasswordRequest>,
) -> Result<StatusCode, Problem> {
    let EmailProof { token, email, code } = EmailProof::parse(body.token, body.email, body.code)?;
    let request = pb::ResetPasswordRequest { token, email, code, new_password: body.new_password };
    state.identity().reset_password(request).await?;
    Ok(StatusCode::NO_CONTENT)
}
