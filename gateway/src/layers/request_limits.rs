//! Rejects requests with an oversized path, headers or body before reading on.

use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use kit_core::error::ProblemCode;

use crate::problem::Problem;

/// Maximum length of path and query together, in bytes.
const MAX_URI_BYTES: usize = 8 * 1024;
const MAX_HEADERS: usize = 100;
/// Maximum size of all header names and values together, in bytes.
const MAX_HEADERS_BYTES: usize = 32 * 1024;

/// Maximum announced body size, in bytes.
/// Larger bodies are not even drained (see `layers::body`): a client that is still sending may see
/// its connection close instead of the response.
const MAX_ANNOUNCED_BODY_BYTES: u64 = 16 * 1024 * 1024;

pub async fn enforce(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > MAX_URI_BYTES {
        return uri_too_long().into_response();
    }
    let headers = request.headers();
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > MAX_HEADERS || size > MAX_HEADERS_BYTES {
        return headers_too_large().into_response();
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_ANNOUNCED_BODY_BYTES) {
        let detail = "The body must be at most 2 MiB, or 8 MiB for a bulk write.";
        return Problem::new(ProblemCode::PayloadTooLarge, detail).into_response();
    }
    next.run(request).await
}

pub fn uri_too_long() -> Problem {
    Problem::from(ProblemCode::UriTooLong)
}

pub fn headers_too_large() -> Problem {
    Problem::from(ProblemCode::HeadersTooLarge)
}
