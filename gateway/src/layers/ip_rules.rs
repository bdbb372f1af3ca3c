//! Rejects requests from addresses that an administrator denied.
//! IP rules for a single user are checked with that user's token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use kit_access::token_verifier::TokenVerifier;
use kit_core::context;

use crate::problem::Problem;

pub async fn enforce(
    State(token_verifier): State<Arc<TokenVerifier>>,
    request: Request,
    next: Next,
) -> Response {
    let ip = context::current().and_then(|context| context.client.ip);
    // Probes come from the operator's own network.
    if request.uri().path().starts_with("/health") {
        return next.run(request).await;
    }
    match token_verifier.check_ip(ip) {
        Ok(()) => next.run(request).await,
        Err(status) => Problem::from(status).into_response(),
    }
}
