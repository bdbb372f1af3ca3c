//! A request that changes something runs to its end even if the client hangs
//! up; one that only reads is dropped. Both end in a problem when they panic
//! or take too long.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use fintrac_kit::context;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::body::HeldBytes;
use crate::problem::Problem;
use crate::state::AppState;

pub async fn complete_on_disconnect(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_safe = request.method().is_safe();
    let context = context::current().unwrap_or_default();
    // What the body holds of the budget is given back when the handler ends, not before.
    let held = request.extensions().get::<Arc<HeldBytes>>().cloned();
    let handled = async move {
        let response = next.run(request).await;
        drop(held);
        response
    };
    let task = tokio::spawn(context::scope(context, handled).in_current_span());
    let limit = state.config.request_timeout;
    let joined = if is_safe {
        tokio::time::timeout(limit, AbortOnDropHandle::new(task)).await
    } else {
        tokio::time::timeout(limit, task).await
    };
    match joined {
        Ok(Ok(response)) => response,
        Ok(Err(failed)) => {
            // The panic's own message may hold anything: it stays out of the log line.
            tracing::error!(panicked = failed.is_panic(), "a handler did not end");
            metrics::counter!("fintrac_panics_total").increment(1);
            Problem::internal().into_response()
        }
        Err(_elapsed) => Problem::new("TIMEOUT", "The answer took too long; try again.").into_response(),
    }
}
