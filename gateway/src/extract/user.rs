use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use fintrac_kit::access::{Principal, bearer};

use crate::problem::Problem;
use crate::state::AppState;

/// The verified user of the request's access token.
#[derive(Debug)]
pub struct User(
    #[expect(dead_code, reason = "services verify the forwarded token again and take the user from there")]
    pub Principal,
);

impl FromRequestParts<AppState> for User {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok_or_else(|| {
            Problem::new("TOKEN_MISSING", "Log in and send the access token as `Authorization: Bearer …`.")
        })?;
        Ok(Self(state.trust.verify(token)?))
    }
}
