use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// A session's pair of tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenPair)]
pub struct TokenPairResponse {
    /// A JWT; send it as `Authorization: Bearer …`.
    access_token: String,
    /// Good once, for the next pair.
    refresh_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Lifetime of the access token, seconds.
    #[schema(example = 900)]
    expires_in: i64,
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
