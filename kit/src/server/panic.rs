//! What a caller sees of a panic: INTERNAL, and nothing of its message.

use std::any::Any;

use http::Response;
use tonic::Status;
use tonic::body::Body;

pub(super) fn status() -> Status {
    // The panic's own message may hold anything: it stays out of our logs.
    tracing::error!("a handler panicked");
    metrics::counter!("fintrac_panics_total").increment(1);
    crate::error::RpcError::new(tonic::Code::Internal, "INTERNAL", "Something went wrong on our side.").into()
}

pub(super) fn to_status(panic: Box<dyn Any + Send>) -> Response<Body> {
    drop(panic);
    status().into_http()
}
