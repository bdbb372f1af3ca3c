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

/// A proof from the email, `token` or `email` with `code`, and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// From the link of the email.
    token: Option<String>,
    #[schema(example = "ana@example.com")]
    email: Option<String>,
    /// The eight letters and digits of the email; letter case does not matter.
    #[schema(example = "K7MQ2XRD")]
    code: Option<String>,
    /// 12 to 128 characters; not a common one, without the name or the address.
    #[schema(required = true, example = "four quiet words here", min_length = 12, max_length = 128)]
    #[serde(default)]
    new_password: String,
}

/// Choose a new password
///
/// Ends every session. A second factor stays in force. A refused password leaves the proof good.
#[utoipa::path(post, path = "/auth/reset-password", tag = "auth", request_body = ResetPasswordRequest,
    responses((status = 204, description = "The password has changed"), PublicProblems))]
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
