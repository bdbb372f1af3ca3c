use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoQuery};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Whose email did not arrive.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendVerificationRequest {
    #[schema(required = true, example = "ana@example.com")]
    #[serde(default)]
    email: String,
}

/// Send the verification email again
///
/// The answer is the same whether the address is known or not.
#[utoipa::path(post, path = "/auth/resend-verification", tag = "auth", request_body = ResendVerificationRequest,
    responses((status = 202, description = "If the address waits for verification, an email is on its way"), PublicProblems))]
pub async fn resend_verification(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(body): Json<ResendVerificationRequest>,
) -> Result<StatusCode, Problem> {
    state.identity().resend_verification(pb::ResendVerificationRequest { email: body.email }).await?;
    Ok(StatusCode::ACCEPTED)
}
