use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::tokens::TokenPairResponse;
use crate::extract::{Json, NoQuery};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The refresh token of the current pair.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The refresh token that was issued last.
    #[schema(required = true)]
    #[serde(default)]
    refresh_token: String,
}

/// Refresh tokens
///
/// A refresh token is valid once. A second use ends its session, except within 30 seconds while the
/// next refresh token is unused: then the response is the same pair of tokens again.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", request_body = RefreshRequest,
    responses((status = 200, description = "The next pair of tokens", body = TokenPairResponse), PublicProblems))]
pub async fn refresh_tokens(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(body): Json<RefreshRequest>,
) -> Result<axum::Json<TokenPairResponse>, Problem> {
    let request = pb::RefreshRequest { refresh_token: body.refresh_token };
    let tokens = state.identity().refresh(request).await?.into_inner().tokens;
    Ok(axum::Json(tokens.ok_or_else(Problem::internal)?.into()))
}
