//! Opens the request's context: its id, deadline, and what is known of the
//! client; writes the one access line. Paths are logged as routes, never with
//! a query: queries carry tokens.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use fintrac_kit::access::{bearer, token};
use fintrac_kit::context::{self, Client, Context};

use crate::state::AppState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer user agents and language lists are cut, characters: what is forwarded
/// must fit the headers of an internal call.
const LONGEST_TEXT: usize = 300;

pub async fn open(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let headers = request.headers();
    let fresh = state.random.id(state.clock.now());
    let request_id = context::request_id(text(headers, REQUEST_ID).as_deref(), fresh);
    let ip = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let context = Context {
        request_id: request_id.clone(),
        deadline: Some(tokio::time::Instant::now() + state.config.request_timeout),
        access_token: bearer(headers).filter(|token| token.len() <= token::LONGEST).map(str::to_owned),
        client: Client {
            ip,
            user_agent: text(headers, USER_AGENT).unwrap_or_default().chars().take(LONGEST_TEXT).collect(),
            language: text(headers, ACCEPT_LANGUAGE).unwrap_or_default().chars().take(LONGEST_TEXT).collect(),
        },
    };
    let trace_id = trace_id(headers);
    let method = request.method().clone();
    let mut response = context::scope(context, next.run(request)).await;
    let route = response.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let status = response.status().as_u16();
    let seconds = started.elapsed().as_secs_f64();
    tracing::info!(
        %method, route, status, millis = seconds * 1000.0, request_id, trace_id,
        ip = ip.map(tracing::field::display), "request"
    );
    metrics::histogram!("fintrac_http_seconds", "method" => label(&method), "route" => route, "status" => status.to_string())
        .record(seconds);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Puts the matched route on the response, for the access line.
pub async fn remember_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

/// Methods that exist: anybody can invent others, and labels are for ever.
fn label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The trace id of a W3C `traceparent`.
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let id = value.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}
