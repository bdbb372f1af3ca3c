use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::device::Device;
use super::tokens::TokenPairResponse;
use crate::extract::{Json, NoQuery, StrictObject};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::routes::users::response::UserResponse;
use crate::state::AppState;

/// The credentials of a user: `email` or `username`, and `password`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The email address; send this or `username`.
    #[schema(example = "ana@example.com")]
    email: Option<String>,
    /// The username; send this or `email`.
    #[schema(example = "ana.gil")]
    username: Option<String>,
    #[schema(required = true, example = "correct horse battery")]
    #[serde(default)]
    password: String,
    /// The code of the second factor (six digits) or a recovery code.
    /// Required if a second factor is enabled.
    #[schema(example = "042042")]
    code: Option<String>,
    /// The device that the client runs on; default: unknown.
    #[schema(value_type = Option<Device>)]
    device: Option<StrictObject<Device>>,
}

impl From<LoginRequest> for pb::LoginRequest {
    fn from(body: LoginRequest) -> Self {
        Self {
            email: body.email.unwrap_or_default(),
            username: body.username.unwrap_or_default(),
            password: body.password,
            code: body.code.unwrap_or_default(),
            device: body.device.map(|StrictObject(device)| device.into()),
        }
    }
}

/// The tokens and the user of a new session.
#[derive(Serialize, ToSchema)]
pub struct LoginResponse {
    #[serde(flatten)]
    tokens: TokenPairResponse,
    user: UserResponse,
}

/// Log in
///
/// A wrong password, an unknown user, a locked account and too many attempts get the same response.
/// With the correct password, an unverified email address gets 403 `EMAIL_NOT_VERIFIED`, and a
/// missing code of the second factor gets 401 `MFA_REQUIRED`. A login during the grace period of a
/// deletion restores the account.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, description = "A new session", body = LoginResponse), PublicProblems))]
pub async fn log_in_user(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(body): Json<LoginRequest>,
) -> Result<axum::Json<LoginResponse>, Problem> {
    let response = state.identity().login(pb::LoginRequest::from(body)).await?.into_inner();
    let (Some(tokens), Some(user)) = (response.tokens, response.user) else {
        return Err(Problem::internal());
    };
    Ok(axum::Json(LoginResponse { tokens: tokens.into(), user: user.into() }))
}
