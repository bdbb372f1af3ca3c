use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoQuery};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The user whose password is to be reset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPasswordRequest {
    /// The email address of the user.
    #[schema(required = true, example = "ana@example.com")]
    #[serde(default)]
    email: String,
}

/// Request a password reset
///
/// The response is the same whether the email address is known or not. If it is known, an email
/// with a link (valid for 60 minutes) and a code (valid for 10 minutes and five attempts) is sent.
#[utoipa::path(post, path = "/auth/forgot-password", tag = "auth", request_body = ForgotPasswordRequest,
    responses((status = 202, description = "An email is sent if the address is known"), PublicProblems))]
pub async fn request_password_reset(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(body): Json<ForgotPasswordRequest>,
) -> Result<StatusCode, Problem> {
    state.identity().forgot_password(pb::ForgotPasswordRequest { email: body.email }).await?;
    Ok(StatusCode::ACCEPTED)
}
