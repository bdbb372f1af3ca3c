//! Idempotent writes.
//! The key is the client's `Idempotency-Key`, else a generated one, so that a call whose response
//! was lost can be retried.

use axum::extract::{FromRef, FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fintrac_kit::headers::{FINGERPRINT, IDEMPOTENCY_KEY, OPERATION, REPLAYED};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tonic::metadata::MetadataValue;

use super::json;
use crate::problem::Problem;
use crate::state::AppState;

const IDEMPOTENCY_KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longer paths match no route and would not fit the headers of an internal call.
const MAX_PATH_BYTES: usize = 1000;

/// The idempotency key of a write, with its operation and fingerprint.
#[derive(Debug, Clone)]
pub struct Idempotency {
    key: String,
    from_client: bool,
    /// Method and path of the request.
    operation: String,
    /// SHA-256 of the body as sent, in base64url.
    fingerprint: String,
}

/// A JSON body with the idempotency of its write.
#[derive(Debug)]
pub struct IdempotentJson<T>(pub Idempotency, pub T);

impl Idempotency {
    /// Marks a response that was stored for an earlier request with the client's key.
    pub fn mark_replayed<R>(
        &self,
        grpc_response: &tonic::Response<R>,
        response: impl IntoResponse,
    ) -> Response {
        let mut response = response.into_response();
        if self.from_client && grpc_response.metadata().contains_key(REPLAYED) {
            response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
        }
        response
    }

    fn from_parts(parts: &Parts, state: &AppState, body: &[u8]) -> Result<Self, Problem> {
        // Clients can repeat only requests that create something.
        let sent = parts.headers.get(IDEMPOTENCY_KEY_HEADER).filter(|_| parts.method == Method::POST);
        let key = match sent {
            Some(value) => client_key(value)?,
            None => BASE64.encode(state.random.bytes::<16>()),
        };
        let path = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0).path();
        if path.len() > MAX_PATH_BYTES {
            return Err(Problem::new("NOT_FOUND", "No resource exists at this path."));
        }
        // A trailing slash names the same resource.
        let operation = format!("{} {}", parts.method, path.trim_end_matches('/'));
        let fingerprint = BASE64.encode(Sha256::digest(body));
        let from_client = sent.is_some();
        Ok(Self { key, from_client, operation, fingerprint })
    }

    /// Builds the gRPC request of this write.
    /// The transport retries it if the response is lost.
    pub fn request<M>(&self, message: M) -> tonic::Request<M> {
        let mut request = tonic::Request::new(message);
        for (name, value) in
            [(IDEMPOTENCY_KEY, &self.key), (OPERATION, &self.operation), (FINGERPRINT, &self.fingerprint)]
        {
            if let Ok(value) = MetadataValue::try_from(value.as_str()) {
                request.metadata_mut().insert(name, value);
            }
        }
        request
    }
}

impl<S> FromRequestParts<S> for Idempotency
where
    AppState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Self::from_parts(parts, &AppState::from_ref(state), &[])
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for IdempotentJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let head = parts.clone();
        let body = json::bytes(Request::from_parts(parts, body)).await?;
        let idempotency = Idempotency::from_parts(&head, state, &body)?;
        Ok(Self(idempotency, json::parse(&body)?))
    }
}

fn client_key(value: &HeaderValue) -> Result<String, Problem> {
    let text = value.to_str().unwrap_or_default();
    let is_valid = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_valid {
        return Ok(text.to_owned());
    }
    let problem = Problem::new("MALFORMED_REQUEST", "A header is invalid; see errors.");
    Err(problem.field(
        "Idempotency-Key",
        "PARAMETER_INVALID",
        "The key must be 1 to 255 visible ASCII characters.",
    ))
}

#[cfg(test)]
mod tests {
    use fintrac_kit::headers::{FINGERPRINT, IDEMPOTENCY_KEY, OPERATION};

    use super::Idempotency;

    #[test]
    fn a_write_carries_its_idempotency_metadata() {
        let idempotency = Idempotency {
            key: "the-key".into(),
            from_client: false,
            operation: "POST /things".into(),
            fingerprint: "the-body".into(),
        };
        let request = idempotency.request(());
        let sent = [IDEMPOTENCY_KEY, OPERATION, FINGERPRINT]
            .map(|name| request.metadata().get(name).and_then(|value| value.to_str().ok()));
        assert_eq!(sent, [Some("the-key"), Some("POST /things"), Some("the-body")]);
    }
}
