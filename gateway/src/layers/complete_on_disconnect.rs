//! Completes requests that change something even if the client disconnects.
//! Requests that only read are dropped. Both become a problem if they panic or time out.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use kit_core::context;
use kit_core::error::ProblemCode;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::body::BodyReservation;
use crate::problem::Problem;

pub async fn complete_on_disconnect(
    State(timeout): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    let is_safe = request.method().is_safe();
    let context = context::current().unwrap_or_default();
    // The body's share of the budget is released when the handler ends, not earlier.
    let held = request.extensions().get::<Arc<BodyReservation>>().cloned();
    let handled = async move {
        let response = next.run(request).await;
        drop(held);
        response
    };
    let task = tokio::spawn(context::scope(context, handled).in_current_span());
    let joined = if is_safe {
        tokio::time::timeout(timeout, AbortOnDropHandle::new(task)).await
    } else {
        tokio::time::timeout(timeout, task).await
    };
    match joined {
        Ok(Ok(response)) => response,
        Ok(Err(failed)) => {
            // The panic message may contain personal data, so it is not logged.
            tracing::error!(panicked = failed.is_panic(), "handler panicked or was aborted");
            metrics::counter!("fintrac_panics_total").increment(1);
            Problem::internal().into_response()
        }
        Err(_elapsed) => Problem::from(ProblemCode::Timeout).into_response(),
    }
}
