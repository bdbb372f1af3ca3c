//! Responses for failures of the transport.

use std::error::Error as _;

use http::{HeaderMap, Response};
use kit_core::error::{chain, unavailable};
use tonic::Status;
use tonic::body::Body;
use tonic::transport::Error;

/// Converts transport errors to statuses, so that callers handle only statuses.
/// A lost connection is an error of the transport. tonic's own timers, which race with ours, return
/// CANCELLED.
pub(super) fn to_response(result: Result<Response<Body>, Error>, callee: &str) -> Response<Body> {
    match result {
        Err(error) if is_timeout(&error) => deadline_exceeded(),
        Err(error) => {
            tracing::debug!(error = %chain(&error), "call failed in transport");
            unavailable_response(callee)
        }
        Ok(response) if is_tonic_timeout(response.headers()) => deadline_exceeded(),
        Ok(response) => response,
    }
}

/// Returns a response that names the unavailable service, for the operator.
pub(super) fn unavailable_response(service: &str) -> Response<Body> {
    unavailable(format!("{service} cannot be reached. Try again in a moment.")).into_http()
}

pub(super) fn deadline_exceeded() -> Response<Body> {
    Status::deadline_exceeded("deadline passed").into_http()
}

fn is_timeout(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<tonic::TimeoutExpired>() {
            return true;
        }
        source = cause.source();
    }
    false
}

fn is_tonic_timeout(headers: &HeaderMap) -> bool {
    headers.get("grpc-status").is_some_and(|status| status == "1")
        && headers.get("grpc-message").is_some_and(|message| message == "Timeout%20expired")
}
