use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use fintrac_kit::access::Principal;

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
        let missing = || {
            Problem::new("TOKEN_MISSING", "Log in and send the access token as `Authorization: Bearer …`.")
        };
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(missing)?;
        let (scheme, token) =
            header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        Ok(Self(state.trust.verify(token.trim())?))
    }
}
