//! Strips trailing slashes from API paths, where they name the same resource.
//! Other paths keep them: Swagger UI is served at `/docs/`.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

pub fn normalize_path(mut request: Request) -> Request {
    let path = request.uri().path();
    let trimmed = path.trim_end_matches('/');
    let applies = trimmed.len() < path.len() && (path.starts_with("/api/") || path.starts_with("/health"));
    if applies && let Some(uri) = with_path(request.uri(), trimmed) {
        *request.uri_mut() = uri;
    }
    request
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let text = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}
