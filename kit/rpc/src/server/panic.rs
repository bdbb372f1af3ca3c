//! Converts a panic to INTERNAL, without the panic's message.

use std::any::Any;

use http::Response;
use kit_core::error::ProblemCode;
use tonic::Status;
use tonic::body::Body;

pub(super) fn status() -> Status {
    // The panic's message may contain anything, so it is not logged.
    tracing::error!("handler panicked");
    metrics::counter!("fintrac_panics_total").increment(1);
    ProblemCode::Internal.into()
}

pub(super) fn to_status(panic: Box<dyn Any + Send>) -> Response<Body> {
    drop(panic);
    status().into_http()
}
