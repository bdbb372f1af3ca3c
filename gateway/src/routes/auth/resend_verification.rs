use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoQuery};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The user whose verification email is to be sent again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendVerificationRequest {
    /// The email address of the user.
    #[schema(required = true, example = "ana@example.com")]
    #[serde(default)]
    email: String,
}

/// Resend the verification email
///
/// The response is the same whether the email address is known or not.
#[utoipa::path(post, path = "/auth/resend-verification", tag = "auth", request_body = ResendVerificationRequest,
    responses((status = 202, description = "An email is sent if the address is waiting for verification"), PublicProblems))]
pub async fn resend_verification(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(body): Json<ResendVerificationRequest>,
) -> Result<StatusCode, Problem> {
    state.identity().resend_verification(pb::ResendVerificationRequest { email: body.email }).await?;
    Ok(StatusCode::ACCEPTED)
}
