use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoParams};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Whose mail did not arrive.
#[derive(Deserialize, ToSchema)]
#[schema(as = ResendVerificationRequest)]
#[serde(deny_unknown_fields)]
pub struct ResendVerificationBody {
    #[schema(required = true, example = "ana@example.com")]
    #[serde(default)]
    email: String,
}

/// Send the verification mail again
///
/// The answer is the same whether the address is known or not.
#[utoipa::path(post, path = "/auth/resend-verification", tag = "auth", request_body = ResendVerificationBody,
    responses((status = 202, description = "If the address waits for verification, a mail is on its way"), PublicProblems))]
pub async fn resend_verification(
    State(state): State<AppState>,
    _query: NoParams,
    Json(body): Json<ResendVerificationBody>,
) -> Result<StatusCode, Problem> {
    state.identity().resend_verification(pb::ResendVerificationRequest { email: body.email }).await?;
    Ok(StatusCode::ACCEPTED)
}
