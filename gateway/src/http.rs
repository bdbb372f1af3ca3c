//! Conversions between HTTP and the calls of services.

use axum::http::HeaderName;
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use kit_rpc::transport::NoDeadline;

/// Keeps browsers from guessing content types and from leaking links.
pub const SECURITY_HEADERS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

/// Marks a stored response of an earlier request with the same key.
pub const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Creates a request without a deadline, for responses that are streamed.
pub fn without_deadline<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(NoDeadline);
    request
}

/// Formats the version of a resource as a strong entity tag.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
