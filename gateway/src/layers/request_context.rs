//! Creates the request context and writes the access log line.
//! The context has the request id, the deadline and the client data. The log names matched routes,
//! never queries: queries carry tokens.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;
use kit_access::bearer_token;
use kit_access::token;
use kit_core::clock::Clock;
use kit_core::context::{self, Client, Context};
use kit_core::random::Random;
use tracing::Instrument as _;
use tracing::field::Empty;

const FORWARDED_FOR: &str = "x-forwarded-for";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Maximum length of a forwarded user agent or language list, in characters.
/// The rest is cut off, so that they fit the headers of an internal call.
const MAX_HEADER_CHARS: usize = 300;

/// The sources of a request's context.
#[derive(Debug)]
pub struct RequestContextLayer {
    pub random: Random,
    pub clock: Clock,
    pub trusted_proxies: Vec<IpNet>,
    /// The time after which the deadline of a request is.
    pub timeout: Duration,
}

pub async fn attach(State(layer): State<Arc<RequestContextLayer>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let headers = request.headers();
    let generated = layer.random.id(layer.clock.now());
    let request_id = context::request_id(text(headers, REQUEST_ID).as_deref(), generated);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let ip = client_address(peer, headers, &layer.trusted_proxies);
    let context = Context {
        request_id: request_id.clone(),
        deadline: Some(tokio::time::Instant::now() + layer.timeout),
        access_token: bearer_token(headers)
            .filter(|token| token.len() <= token::MAX_TOKEN_BYTES)
            .map(str::to_owned),
        client: Client {
            ip,
            user_agent: text(headers, USER_AGENT)
                .unwrap_or_default()
                .chars()
                .take(MAX_HEADER_CHARS)
                .collect(),
            language: text(headers, ACCEPT_LANGUAGE)
                .unwrap_or_default()
                .chars()
                .take(MAX_HEADER_CHARS)
                .collect(),
        },
    };
    let trace_id = trace_id(headers);
    let method = request.method().clone();
    let span = tracing::info_span!("http", %method, route = Empty, status = Empty, request_id);
    kit_telemetry::set_parent(&span, request.headers());
    let mut response = context::scope(context, next.run(request)).instrument(span.clone()).await;
    let route = response.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let status = response.status().as_u16();
    let seconds = started.elapsed().as_secs_f64();
    span.record("route", &route).record("status", status);
    tracing::info!(
        %method, route, status, millis = seconds * 1000.0, request_id, trace_id,
        ip = ip.map(tracing::field::display), "request"
    );
    metrics::histogram!("fintrac_http_seconds", "method" => method_label(&method), "route" => route, "status" => status.to_string())
        .record(seconds);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Returns the client's address: the peer's, unless it is a trusted proxy.
/// Then it is the last address in `X-Forwarded-For` that is no trusted proxy: any client can forge
/// those before it.
fn client_address(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    let is_ours = |ip: &IpAddr| proxies.iter().any(|network| network.contains(ip));
    if !is_ours(&peer) {
        return Some(peer);
    }
    let values = headers.get_all(FORWARDED_FOR).iter();
    let hops: Vec<_> = values.flat_map(|value| value.to_str().unwrap_or_default().split(',')).collect();
    let mut client = peer;
    for hop in hops.into_iter().rev() {
        // An invalid hop hides all hops before it.
        let Ok(ip) = hop.trim().parse::<IpAddr>() else { break };
        client = ip.to_canonical();
        if !is_ours(&client) {
            break;
        }
    }
    Some(client)
}

/// Adds the matched route to the response, for the access log.
pub async fn record_matched_path(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

/// Returns the metric label of a method.
/// Unknown methods share one label: clients can invent methods, and labels are permanent.
fn method_label(method: &Method) -> &'static str {
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

/// Returns the trace id of a W3C `traceparent` header.
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let id = value.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{FORWARDED_FOR, client_address};

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).expect("a value"));
        }
        let proxies = ["10.0.0.0/8", "192.0.2.1/32"].map(|text| text.parse().expect("a network"));
        client_address(peer.parse().ok(), &headers, &proxies).expect("an address").to_string()
    }

    #[test]
    fn only_configured_proxies_are_trusted() {
        for (peer, forwarded, expected) in [
            ("203.0.113.9", vec!["198.51.100.7"], "203.0.113.9"),
            ("10.1.2.3", vec!["198.51.100.7"], "198.51.100.7"),
            ("10.1.2.3", vec!["1.1.1.1, 198.51.100.7, 192.0.2.1"], "198.51.100.7"),
            ("10.1.2.3", vec!["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
            ("10.1.2.3", vec!["1.1.1.1, nonsense, 10.9.9.9"], "10.9.9.9"),
            ("::ffff:10.1.2.3", vec!["2001:db8::7"], "2001:db8::7"),
            ("10.1.2.3", vec![], "10.1.2.3"),
            ("10.1.2.3", vec!["10.4.4.4"], "10.4.4.4"),
        ] {
            assert_eq!(client(peer, &forwarded), expected, "{peer} {forwarded:?}");
        }
    }
}
