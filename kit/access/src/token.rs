//! Access tokens: JWTs of exactly one form (RFC 9068 `at+jwt`).
//!
//! They are signed with Ed25519, or with the legacy algorithm HS256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The `typ` of an access token.
pub const TYPE: &str = "at+jwt";
/// The `aud` of an access token.
pub const AUDIENCE: &str = "fintrac";
/// The maximum length of a token; longer ones are rejected without parsing.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// The claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Issuer of the token.
    pub iss: String,
    /// Audience of the token.
    pub aud: String,
    /// Id of the user.
    pub sub: Uuid,
    /// Id of the session.
    pub sid: Uuid,
    /// Id of the household.
    pub hh: Uuid,
    /// Names of the user's roles.
    pub roles: Vec<String>,
    /// Time of issue, in seconds since 1970.
    pub iat: i64,
    /// Time of expiry, in seconds since 1970.
    pub exp: i64,
}

/// The header without any other field: no `jwk`, no `jku`, no `crit`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: Option<String>,
}

/// The header fields that select the key of a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParsedHeader {
    pub algorithm: Algorithm,
    pub kid: Option<String>,
}

/// Parses the header; returns `None` for a token of any other form.
pub(crate) fn parse_header(token: &str) -> Option<ParsedHeader> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let header = BASE64.decode(token.split('.').next()?).ok()?;
    let header: StrictHeader = serde_json::from_slice(&header).ok()?;
    if header.typ != TYPE {
        return None;
    }
    let algorithm = match header.alg.as_str() {
        "EdDSA" => Algorithm::EdDSA,
        "HS256" => Algorithm::HS256,
        _ => return None,
    };
    Some(ParsedHeader { algorithm, kid: header.kid })
}

/// Verifies signature, issuer and audience.
/// The caller checks the times, because they depend on the system's clock.
pub(crate) fn verify(token: &str, key: &DecodingKey, algorithm: Algorithm, issuer: &str) -> Option<Claims> {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    jsonwebtoken::decode(token, key, &validation).ok().map(|data| data.claims)
}

/// Signs `claims` as an access token.
pub fn sign(
    claims: &Claims,
    key: &EncodingKey,
    algorithm: Algorithm,
    kid: Option<&str>,
) -> jsonwebtoken::errors::Result<String> {
    let mut header = Header::new(algorithm);
    header.typ = Some(TYPE.to_owned());
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, claims, key)
}
