//! What a caller sees of a panic: INTERNAL, and nothing of its message.

use std::any::Any;

use http::Response;
use tonic::Status;
use tonic::body::Body;

pub(super) fn status(panic: &(dyn Any + Send)) -> Status {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("(no message)");
    tracing::error!(message, "a handler panicked");
    metrics::counter!("fintrac_panics_total").increment(1);
    crate::error::Refusal::new(tonic::Code::Internal, "INTERNAL", "Something went wrong on our side.").into()
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that tower-http asks for")]
pub(super) fn to_status(panic: Box<dyn Any + Send>) -> Response<Body> {
    status(panic.as_ref()).into_http()
}
