//! Idempotent writes.
//! The key is the client's `Idempotency-Key`, else a generated one, so that a call whose response
//! was lost can be retried.

use axum::extract::{FromRef, FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fintrac_proto::rest::Single;
use kit_core::error::{FieldCode, ProblemCode};
use kit_core::headers::{FINGERPRINT, IDEMPOTENCY_KEY, OPERATION, REPLAYED};
use kit_core::random::Random;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tonic::metadata::MetadataValue;
use utoipa::ToSchema;

use super::json::{self, Json};
use crate::http::REPLAYED_HEADER;
use crate::openapi::operation::{DocumentInput, OperationDocument};
use crate::problem::Problem;
use crate::response::{Appended, Created, Versioned};

const IDEMPOTENCY_KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
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
        if self.is_replayed(grpc_response) {
            response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
        }
        response
    }

    /// Responds with the resource that a service returned.
    pub fn versioned<R: Single>(
        &self,
        response: tonic::Response<R>,
    ) -> Result<Versioned<R::Resource>, Problem> {
        let (resource, is_replayed) = self.resource(response)?;
        Ok(Versioned { resource, is_replayed })
    }

    /// Responds with the resource that a service created.
    /// It is in the list at the path of the request.
    pub fn created<R: Single>(&self, response: tonic::Response<R>) -> Result<Created<R::Resource>, Problem> {
        let (resource, is_replayed) = self.resource(response)?;
        let list_path = self.operation.split(' ').next_back().unwrap_or_default().to_owned();
        Ok(Created { resource, list_path, is_replayed })
    }

    /// Responds with an entry that a service created; `location` is its path, or its list's.
    pub fn appended<R: Single>(
        &self,
        response: tonic::Response<R>,
        location: impl FnOnce(&R::Resource) -> String,
    ) -> Result<Appended<R::Resource>, Problem> {
        let (entry, is_replayed) = self.resource(response)?;
        Ok(Appended { location: location(&entry), entry, is_replayed })
    }

    /// Takes the resource out of a response, and whether the response was stored.
    fn resource<R: Single>(&self, response: tonic::Response<R>) -> Result<(R::Resource, bool), Problem> {
        let is_replayed = self.is_replayed(&response);
        let resource = response.into_inner().into_resource().ok_or_else(Problem::internal)?;
        Ok((resource, is_replayed))
    }

    /// Returns whether the response was stored for an earlier request with the client's key.
    fn is_replayed<R>(&self, response: &tonic::Response<R>) -> bool {
        self.from_client && response.metadata().contains_key(REPLAYED)
    }

    fn from_parts(parts: &Parts, random: &Random, body: &[u8]) -> Result<Self, Problem> {
        // Clients can repeat only requests that create something.
        let sent = parts.headers.get(IDEMPOTENCY_KEY_HEADER).filter(|_| parts.method == Method::POST);
        let key = match sent {
            Some(value) => client_key(value)?,
            None => BASE64.encode(random.bytes::<16>()),
        };
        let path = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0).path();
        if path.len() > MAX_PATH_BYTES {
            return Err(Problem::new(ProblemCode::NotFound, "No resource exists at this path."));
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

impl<S: Send + Sync> FromRequestParts<S> for Idempotency
where
    Random: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Self::from_parts(parts, &Random::from_ref(state), &[])
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for IdempotentJson<T>
where
    Random: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let head = parts.clone();
        let body = json::bytes(Request::from_parts(parts, body)).await?;
        let idempotency = Idempotency::from_parts(&head, &Random::from_ref(state), &body)?;
        Ok(Self(idempotency, json::parse(&body)?))
    }
}

impl DocumentInput for Idempotency {
    fn document(operation: &mut OperationDocument<'_>) {
        if operation.is_post() {
            let text = "A key of the client's choice. A repeated request with the same key and body gets the \
                        first response again for 72 hours. Default: none.";
            operation.header("Idempotency-Key", text);
            let text = "`true` if this is the stored response of the first request with the same key; \
                        otherwise absent";
            operation.response_header("Idempotency-Replayed", Some(text));
        }
    }
}

impl<T: ToSchema> DocumentInput for IdempotentJson<T> {
    fn document(operation: &mut OperationDocument<'_>) {
        Idempotency::document(operation);
        Json::<T>::document(operation);
    }
}

fn client_key(value: &HeaderValue) -> Result<String, Problem> {
    let text = value.to_str().unwrap_or_default();
    let is_valid = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_valid {
        return Ok(text.to_owned());
    }
    let problem = Problem::new(ProblemCode::MalformedRequest, "A header is invalid; see errors.");
    Err(problem.field(
        "Idempotency-Key",
        FieldCode::ParameterInvalid,
        "The key must be 1 to 255 visible ASCII characters.",
    ))
}

#[cfg(test)]
mod tests {
    use kit_core::headers::{FINGERPRINT, IDEMPOTENCY_KEY, OPERATION};

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
