use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

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
