use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::tokens::TokenPairView;
use crate::extract::{Json, NoParams};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The refresh token of the last pair.
#[derive(Deserialize, ToSchema)]
#[schema(as = RefreshRequest)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    #[schema(required = true)]
    #[serde(default)]
    refresh_token: String,
}

/// Get the next pair of tokens
///
/// A refresh token is good once. Used again it ends its session, except within
/// 30 seconds while its successor is unused: then it gets the same successor.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", request_body = RefreshBody,
    responses((status = 200, description = "The next pair", body = TokenPairView), PublicProblems))]
pub async fn refresh(
    State(state): State<AppState>,
    _query: NoParams,
    Json(body): Json<RefreshBody>,
) -> Result<axum::Json<TokenPairView>, Problem> {
    let request = pb::RefreshRequest { refresh_token: body.refresh_token };
    let tokens = state.identity().refresh(request).await?.into_inner().tokens;
    Ok(axum::Json(tokens.ok_or_else(Problem::internal)?.into()))
}
