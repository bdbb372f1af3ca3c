use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoParams};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Who forgot the password.
#[derive(Deserialize, ToSchema)]
#[schema(as = ForgotPasswordRequest)]
#[serde(deny_unknown_fields)]
pub struct ForgotPasswordBody {
    #[schema(required = true, example = "ana@example.com")]
    #[serde(default)]
    email: String,
}

/// Ask for a new password
///
/// The answer is the same whether the address is known or not; a known one gets a mail with a link
/// (60 minutes) and a code (10 minutes, five tries).
#[utoipa::path(post, path = "/auth/forgot-password", tag = "auth", request_body = ForgotPasswordBody,
    responses((status = 202, description = "A mail is on its way, if the address is known"), PublicProblems))]
pub async fn forgot_password(
    State(state): State<AppState>,
    _query: NoParams,
    Json(body): Json<ForgotPasswordBody>,
) -> Result<StatusCode, Problem> {
    state.identity().forgot_password(pb::ForgotPasswordRequest { email: body.email }).await?;
    Ok(StatusCode::ACCEPTED)
}
