use axum::extract::State;
use fintrac_proto::auth::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::device::DeviceBody;
use super::tokens::TokenPairView;
use crate::extract::{Json, NoParams, Object};
use crate::openapi::PublicProblems;
use crate::problem::Problem;
use crate::routes::users::view::UserView;
use crate::state::AppState;

/// Who logs in: `email` or `username`.
#[derive(Deserialize, ToSchema)]
#[schema(as = LoginRequest)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    #[schema(example = "ana@example.com")]
    email: Option<String>,
    #[schema(example = "ana.gil")]
    username: Option<String>,
    #[schema(required = true, example = "correct horse battery")]
    #[serde(default)]
    password: String,
    /// Of the second factor, where there is one: six digits, or a recovery code.
    #[schema(example = "042042")]
    code: Option<String>,
    #[schema(value_type = Option<DeviceBody>)]
    device: Option<Object<DeviceBody>>,
}

impl From<LoginBody> for pb::LoginRequest {
    fn from(body: LoginBody) -> Self {
        Self {
            email: body.email.unwrap_or_default(),
            username: body.username.unwrap_or_default(),
            password: body.password,
            code: body.code.unwrap_or_default(),
            device: body.device.map(|Object(device)| device.into()),
        }
    }
}

/// A new session.
#[derive(Serialize, ToSchema)]
#[schema(as = LoginResponse)]
pub struct LoginView {
    #[serde(flatten)]
    tokens: TokenPairView,
    user: UserView,
}

/// Log in
///
/// A wrong password, an unknown user, a locked account and too many attempts look the same. After a
/// right password: 403 `EMAIL_NOT_VERIFIED`; 401 `MFA_REQUIRED` without the code of a second factor. A login
/// during the grace of a deletion restores the account.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginBody,
    responses((status = 200, description = "A new session", body = LoginView), PublicProblems))]
pub async fn login(
    State(state): State<AppState>,
    _query: NoParams,
    Json(body): Json<LoginBody>,
) -> Result<axum::Json<LoginView>, Problem> {
    let answer = state.identity().login(pb::LoginRequest::from(body)).await?.into_inner();
    let (Some(tokens), Some(user)) = (answer.tokens, answer.user) else { return Err(Problem::internal()) };
    Ok(axum::Json(LoginView { tokens: tokens.into(), user: user.into() }))
}
