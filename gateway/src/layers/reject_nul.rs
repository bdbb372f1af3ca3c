//! Rejects paths and queries with U+0000, which no text may contain.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use kit_core::error::ProblemCode;

use crate::problem::Problem;

pub async fn reject_nul(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if uri.path().contains("%00") || uri.query().unwrap_or_default().contains("%00") {
        return Problem::new(ProblemCode::MalformedRequest, "Path and query must not contain U+0000.")
            .into_response();
    }
    next.run(request).await
}
