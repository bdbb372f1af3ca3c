use axum::Json as JsonResponse;
use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Json, NoQuery};
use crate::problem::Problem;
use crate::state::AppState;

/// The access token and refresh token of a session.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenPair)]
pub struct TokenPairResponse {
    /// A JWT to send as `Authorization: Bearer …`.
    access_token: String,
    /// A token that is valid once and returns the next pair of tokens.
    refresh_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// The lifetime of the access token in seconds.
    #[schema(example = 900)]
    expires_in: i64,
    /// The id of the session.
    #[schema(format = Uuid)]
    session_id: String,
}

impl From<pb::TokenPair> for TokenPairResponse {
    fn from(pair: pb::TokenPair) -> Self {
        Self {
            access_token: pair.access_token,
            refresh_token: pair.refresh_token,
            token_type: "Bearer",
            expires_in: pair.expires_in,
            session_id: pair.session_id,
        }
    }
}

/// The tokens and the user of a new session.
#[derive(Serialize, ToSchema)]
pub struct LoginResponse {
    #[serde(flatten)]
    tokens: TokenPairResponse,
    user: pb::User,
}

/// Log in
///
/// A wrong password, an unknown user, a locked account and too many attempts get the same response.
/// With the correct password, an unverified email address gets 403 `EMAIL_NOT_VERIFIED`, and a
/// missing code of the second factor gets 401 `MFA_REQUIRED`. A login during the grace period of a
/// deletion restores the account.
#[utoipa::path(post, path = "/auth/login", tag = "auth",
    responses((status = 200, description = "A new session", body = LoginResponse)))]
pub async fn log_in_user(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(request): Json<pb::LoginRequest>,
) -> Result<JsonResponse<LoginResponse>, Problem> {
    let response = state.identity().login(request).await?.into_inner();
    let (Some(tokens), Some(user)) = (response.tokens, response.user) else {
        return Err(Problem::internal());
    };
    Ok(JsonResponse(LoginResponse { tokens: tokens.into(), user }))
}

/// Refresh tokens
///
/// A refresh token is valid once. A second use ends its session, except within 30 seconds while the
/// next refresh token is unused: then the response is the same pair of tokens again.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth",
    responses((status = 200, description = "The next pair of tokens", body = TokenPairResponse)))]
pub async fn refresh_tokens(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(request): Json<pb::RefreshRequest>,
) -> Result<JsonResponse<TokenPairResponse>, Problem> {
    let tokens = state.identity().refresh(request).await?.into_inner().tokens;
    Ok(JsonResponse(tokens.ok_or_else(Problem::internal)?.into()))
}
