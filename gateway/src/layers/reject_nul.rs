//! U+0000 is no part of any text here, nor of a path or a query.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::problem::Problem;

pub async fn reject_nul(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if uri.path().contains("%00") || uri.query().unwrap_or_default().contains("%00") {
        return Problem::new("MALFORMED_REQUEST", "Path and query must not hold U+0000.").into_response();
    }
    next.run(request).await
}
