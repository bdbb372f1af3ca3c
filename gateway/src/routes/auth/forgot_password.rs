use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoQuery};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Who forgot the password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPasswordRequest {
    #[schema(required = true, example = "ana@example.com")]
    #[serde(default)]
    email: String,
}

/// Ask for a new password
///
/// The answer is the same whether the address is known or not; a known one gets an email with a link
/// (60 minutes) and a code (10 minutes, five tries).
#[utoipa::path(post, path = "/auth/forgot-password", tag = "auth", request_body = ForgotPasswordRequest,
    responses((status = 202, description = "An email is on its way, if the address is known"), PublicProblems))]
pub async fn forgot_password(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(body): Json<ForgotPasswordRequest>,
) -> Result<StatusCode, Problem> {
    state.identity().forgot_password(pb::ForgotPasswordRequest { email: body.email }).await?;
    Ok(StatusCode::ACCEPTED)
}
