//! Writes the body of every rejection, including those of the framework.
//! Titles are in the client's language.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use kit_core::context;

use kit_core::error::ProblemCode;

use crate::language::Language;
use crate::problem::Problem;
use crate::problem::details::ProblemDetails;

pub async fn write_problem(request: Request, next: Next) -> Response {
    let instance = request.uri().path().to_owned();
    let language = Language::from_headers(request.headers());
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>();
    let is_page =
        response.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    let Some(problem) = problem.or_else(|| if is_page { None } else { from_status(response.status()) })
    else {
        return response;
    };
    let request_id = context::current().map(|context| context.request_id).unwrap_or_default();
    let retry_after = problem.retry_after;
    let status = problem.code.status();
    let body = ProblemDetails::new(problem, &language, instance, request_id);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(language) = HeaderValue::from_str(&language.code()) {
        headers.insert("content-language", language);
    }
    if let Some(delay) = retry_after {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    *response.body_mut() = serde_json::to_vec(&body).map_or_else(|_| Body::empty(), Body::from);
    response
}

/// Maps a bare error status of the framework to a problem.
fn from_status(status: StatusCode) -> Option<Problem> {
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    Some(match status {
        StatusCode::NOT_FOUND => Problem::new(ProblemCode::NotFound, "No resource exists at this path."),
        StatusCode::METHOD_NOT_ALLOWED => Problem::from(ProblemCode::MethodNotAllowed),
        StatusCode::REQUEST_TIMEOUT => Problem::from(ProblemCode::RequestTimeout),
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(ProblemCode::PayloadTooLarge, "The body must be at most 2 MiB.")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::from(ProblemCode::UnsupportedMediaType),
        status if status.is_client_error() => {
            Problem::new(ProblemCode::MalformedRequest, "The request is malformed.")
        }
        _ => Problem::internal(),
    })
}
