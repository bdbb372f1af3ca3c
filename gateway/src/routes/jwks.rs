use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::SystemProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The public keys that verify access tokens (RFC 7517).
#[derive(Serialize, ToSchema)]
#[schema(as = JsonWebKeySet)]
pub struct JwksResponse {
    /// The public keys in use; empty if access tokens are signed with HS256.
    keys: Vec<JsonWebKey>,
}

/// An Ed25519 public key (RFC 8037).
#[derive(Serialize, ToSchema)]
struct JsonWebKey {
    #[schema(example = "OKP")]
    kty: &'static str,
    #[schema(example = "Ed25519")]
    crv: &'static str,
    #[schema(example = "EdDSA")]
    alg: &'static str,
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    usage: &'static str,
    /// The key id, as in the header of access tokens.
    kid: String,
    /// The public key in base64url.
    x: String,
}

impl From<pb::SigningKey> for JsonWebKey {
    fn from(key: pb::SigningKey) -> Self {
        let x = BASE64.encode(&key.public_key);
        Self { kty: "OKP", crv: "Ed25519", alg: "EdDSA", usage: "sig", kid: key.kid, x }
    }
}

/// Get the JSON Web Key Set
///
/// Returns the public keys that verify access tokens. The list is empty if access tokens are signed
/// with the legacy algorithm HS256.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth",
    responses((status = 200, description = "The public keys in use", body = JwksResponse), SystemProblems))]
pub async fn get_jwks(State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    let keys = state.keys().list_signing_keys(pb::ListSigningKeysRequest {}).await?.into_inner().keys;
    let keys = keys.into_iter().map(Into::into).collect();
    Ok(([(CACHE_CONTROL, "public, max-age=60")], axum::Json(JwksResponse { keys })))
}
