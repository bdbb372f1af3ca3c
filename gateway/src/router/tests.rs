//! Tests of all operations with the real layers.
//! Every rejection is a problem, a change completes, and the generated files are current.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, TimeDelta};
use kit_access::credential::ServiceKeys;
use kit_access::token_verifier::{TokenVerifier, TokenVerifierConfig, TrustUpdate};
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_process::shutdown::Shutdown;
use kit_rpc::transport;
use serde_json::Value;
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::{api, with_middleware};
use crate::config::Config;
use crate::services::Services;
use crate::state::AppState;

/// Returns the state of a gateway whose services are unavailable.
fn state(timeout: Duration, limit: u32) -> AppState {
    state_for(timeout, limit, Vec::new())
}

fn state_for(timeout: Duration, limit: u32, cors_origins: Vec<HeaderValue>) -> AppState {
    state_with(config(timeout, limit, cors_origins))
}

fn config(timeout: Duration, limit: u32, cors_origins: Vec<HeaderValue>) -> Config {
    Config {
        request_timeout: timeout,
        rate_limit: NonZeroU32::new(limit),
        trusted_proxies: Vec::new(),
        cors_origins,
        certificate: None,
        serves_documents: true,
        max_connections: 100,
        redis: None,
    }
}

fn state_with(config: Config) -> AppState {
    let clock = Clock::manual(DateTime::UNIX_EPOCH);
    let issuer = ServiceKeys::from_secret("a secret for tests").issuer("gateway", "auth", &clock);
    // Port 9 (discard) is not served on loopback.
    let unavailable = transport::remote("http://127.0.0.1:9", None, issuer).expect("a URL");
    let services = Services {
        auth: unavailable.clone(),
        ledger: unavailable.clone(),
        budget: unavailable.clone(),
        notify: unavailable,
    };
    let token_verifier = TokenVerifierConfig {
        issuer: "fintrac".into(),
        grace_period: Duration::from_mins(1),
        hs256_secret: None,
    };
    let token_verifier = Arc::new(TokenVerifier::new(token_verifier, clock.clone()));
    AppState::new(config, token_verifier, clock, Random::seeded(1), services, &Shutdown::default())
}

fn app_with(extra: Router<AppState>, timeout: Duration) -> Router {
    let (api, _) = api().split_for_parts();
    with_middleware(Router::new().merge(api).merge(extra), state(timeout, 0))
}

fn app() -> Router {
    let panic = post(async || -> StatusCode { panic!("the password is hunter2") });
    app_with(Router::new().route("/panic", panic), Duration::from_secs(30))
}

fn request(method: Method, path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .header("host", "localhost")
        .method(method)
        .uri(path)
        .header("content-type", content_type)
        .header("accept-language", "es")
        .body(body.into())
        .expect("a request")
}

/// Builds a request with a body that never arrives.
fn announced(method: Method, path: &str) -> Request<Body> {
    let body = Body::from_stream(futures::stream::pending::<Result<&'static str, std::io::Error>>());
    let mut request = request(method, path, "application/json", body);
    request.headers_mut().insert("content-length", HeaderValue::from_static("99999999999"));
    request
}

fn many_headers() -> Request<Body> {
    let mut request = request(Method::GET, "/api/v1/accounts", "", "");
    for number in 0..101 {
        let name = HeaderName::try_from(format!("x-{number}")).expect("a name");
        request.headers_mut().insert(name, HeaderValue::from_static("1"));
    }
    request
}

async fn problem(response: Response) -> Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let request_id = response.headers()["x-request-id"].to_str().expect("text").to_owned();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let problem: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["request_id"], request_id);
    for field in ["type", "title", "detail", "instance", "code"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
    }
    problem
}

#[tokio::test]
async fn every_framework_rejection_is_a_problem() {
    const JSON: &str = "application/json";
    const LOGIN: &str = "/api/v1/auth/login";
    let huge = "x".repeat(2 * 1024 * 1024 + 1);
    for (request, status, code) in [
        (request(Method::GET, "/api/v1/nothing", JSON, ""), 404, "NOT_FOUND"),
        (request(Method::GET, "/nothing/at/all", JSON, ""), 404, "NOT_FOUND"),
        (request(Method::DELETE, LOGIN, JSON, ""), 405, "METHOD_NOT_ALLOWED"),
        (request(Method::POST, LOGIN, JSON, huge), 413, "PAYLOAD_TOO_LARGE"),
        (request(Method::POST, LOGIN, "text/plain", "{}"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (request(Method::POST, LOGIN, JSON, "{"), 400, "MALFORMED_BODY"),
        (request(Method::POST, LOGIN, JSON, ""), 400, "MALFORMED_BODY"),
        (request(Method::POST, LOGIN, JSON, r#"{"email":7}"#), 400, "MALFORMED_BODY"),
        (request(Method::POST, LOGIN, JSON, r#"{"mail":""}"#), 400, "MALFORMED_BODY"),
        (request(Method::POST, LOGIN, JSON, "[".repeat(10_000)), 400, "MALFORMED_BODY"),
        (request(Method::POST, LOGIN, JSON, r#"{"email":"a\u0000"}"#), 422, "VALIDATION_FAILED"),
        (request(Method::POST, LOGIN, JSON, r#"{"email":"a"}"#), 503, "UNAVAILABLE"),
        (request(Method::GET, &format!("/api/v1/{}", "x".repeat(9000)), JSON, ""), 414, "URI_TOO_LONG"),
        (many_headers(), 431, "HEADERS_TOO_LARGE"),
        (announced(Method::POST, LOGIN), 413, "PAYLOAD_TOO_LARGE"),
        (request(Method::POST, "/panic", JSON, ""), 500, "INTERNAL"),
        (request(Method::GET, "/api/v1/users/me", JSON, ""), 401, "TOKEN_MISSING"),
        (request(Method::GET, "/health/ready", JSON, ""), 503, "NOT_READY"),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        let response = app().oneshot(request).await.expect(&what);
        assert_eq!(response.status().as_u16(), status, "{what}");
        let problem = problem(response).await;
        assert_eq!(problem["code"], code, "{what}");
        assert!(!problem.to_string().contains("hunter2"), "{what}");
    }
}

#[tokio::test]
async fn slow_requests_time_out() {
    let slow = Router::new().route("/slow", get(async || std::future::pending::<StatusCode>().await));
    let app = app_with(slow, Duration::from_millis(200));
    let response = app.oneshot(request(Method::GET, "/slow", "", "")).await.expect("a response");
    assert_eq!(response.status().as_u16(), 504);
    assert_eq!(problem(response).await["code"], "TIMEOUT");
}

#[tokio::test]
async fn long_responses_are_compressed_if_accepted() {
    let long = Router::new().route("/long", get(async || "rent ".repeat(1000)));
    let app = app_with(long, Duration::from_secs(5));
    let mut compressed = request(Method::GET, "/long", "", "");
    let plain = app.clone().oneshot(request(Method::GET, "/long", "", "")).await.expect("a response");
    assert_eq!(plain.headers().get("content-encoding"), None);
    compressed.headers_mut().insert("accept-encoding", HeaderValue::from_static("gzip"));
    let packed = app.oneshot(compressed).await.expect("a response");
    assert_eq!(packed.headers().get("content-encoding").expect("a compressed body"), "gzip");
    let bytes = to_bytes(packed.into_body(), 100_000).await.expect("a body");
    assert!(bytes.len() < 1000, "{} bytes", bytes.len());
}

#[tokio::test]
async fn head_returns_the_headers_of_get_without_a_body() {
    let long = Router::new().route("/long", get(async || "rent ".repeat(1000)));
    let app = app_with(long, Duration::from_secs(30));
    for path in ["/long", "/health", "/nothing", "/api/v1/users/me", "/api/v1/auth/login"] {
        for encoding in ["identity", "gzip"] {
            let send = async |method: Method| {
                let mut sent = request(method, path, "", "");
                sent.headers_mut().insert("accept-encoding", HeaderValue::from_static(encoding));
                sent.headers_mut().insert("x-request-id", HeaderValue::from_static("the-same"));
                let (mut head, body) = app.clone().oneshot(sent).await.expect("a response").into_parts();
                let body = to_bytes(body, 100_000).await.expect("a body");
                // A server adds the length that a handler omits, for GET only.
                let length =
                    head.headers.remove("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
                (head.status, head.headers, length.unwrap_or(body.len()), body.len())
            };
            let (got, head) = (send(Method::GET).await, send(Method::HEAD).await);
            assert_eq!((&got.0, &got.1), (&head.0, &head.1), "{path} {encoding}");
            assert_eq!(head.3, 0, "{path} {encoding}");
            // The length of a compressed body is not known in advance.
            assert!(head.2 == got.2 || got.1.contains_key("content-encoding"), "{path} {encoding}");
        }
    }
}

#[tokio::test]
async fn the_title_follows_accept_language() {
    let response = app().oneshot(request(Method::GET, "/nothing", "", "")).await.expect("a response");
    assert_eq!(response.headers()["content-language"], "es");
    assert_eq!(problem(response).await["title"], "No encontrado");
}

#[tokio::test]
async fn the_allow_header_lists_the_supported_methods() {
    let response =
        app().oneshot(request(Method::GET, "/api/v1/auth/login", "", "")).await.expect("a response");
    assert_eq!(response.headers()["allow"], "POST");
}

#[tokio::test]
async fn a_trailing_slash_is_the_same_resource() {
    for path in ["/health", "/health/", "/health/live/?x=1"] {
        let response = app().oneshot(request(Method::GET, path, "", "")).await.expect("a response");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_valid_request_id_is_kept() {
    for (sent, kept) in [("my-id-7", true), ("two words", false), ("", false)] {
        let mut request = request(Method::GET, "/health", "", "");
        request.headers_mut().insert("x-request-id", sent.parse().expect("a header value"));
        let response = app().oneshot(request).await.expect("a response");
        assert_eq!(response.headers()["x-request-id"] == sent, kept, "{sent}");
    }
}

#[tokio::test]
async fn a_change_completes_after_the_client_disconnects() {
    let (begun, proceed, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (started, gate, finished) = (begun.clone(), proceed.clone(), done.clone());
    let change = move || {
        let (started, gate, finished) = (started.clone(), gate.clone(), finished.clone());
        async move {
            started.notify_one();
            gate.notified().await;
            finished.notify_one();
        }
    };
    let app = app_with(Router::new().route("/change", post(change)), Duration::from_secs(10));
    let client = tokio::spawn(app.oneshot(request(Method::POST, "/change", "", "")));
    begun.notified().await;
    client.abort();
    assert!(client.await.expect_err("the client was aborted").is_cancelled());
    proceed.notify_one();
    tokio::time::timeout(Duration::from_secs(10), done.notified()).await.expect("the change completes");
}

#[tokio::test]
async fn an_optional_body_may_be_absent() {
    // Without a token the request would be rejected before the body is read.
    let app = app_with(Router::new().route("/logout", post(optional)), Duration::from_secs(5));
    for (body, status) in [("", 204), (r#"{"refresh_token":"t"}"#, 204), (r#"{"x":1}"#, 400)] {
        let response = app.clone().oneshot(request(Method::POST, "/logout", "application/json", body)).await;
        assert_eq!(response.expect("a response").status().as_u16(), status, "{body}");
    }
}

#[tokio::test]
async fn rate_limited_requests_get_retry_after() {
    let (api, _) = api().split_for_parts();
    let app = with_middleware(api, state(Duration::from_secs(5), 2));
    let send =
        async |path: &str| app.clone().oneshot(request(Method::GET, path, "", "")).await.expect("a response");
    for left in ["1", "0"] {
        let response = send("/api/v1/users/me").await;
        assert_eq!(response.status().as_u16(), 401);
        assert_eq!(response.headers()["ratelimit"], format!("\"default\";r={left};t=0"));
        assert_eq!(response.headers()["ratelimit-policy"], "\"default\";q=2;w=60");
    }
    let rejected = send("/api/v1/users/me").await;
    assert_eq!(rejected.status().as_u16(), 429);
    let wait: u64 = rejected.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(problem(rejected).await["code"], "RATE_LIMITED");
    assert_eq!(send("/health").await.status().as_u16(), 200, "probes are not rate limited");
}

#[tokio::test]
async fn browsers_may_call_from_allowed_origins_only() {
    for (allowed, expected) in [
        ("https://app.example", Some("https://app.example")),
        ("*", Some("*")),
        ("https://other.example", None),
    ] {
        let origins = vec![allowed.parse().expect("a header value")];
        let state = state_for(Duration::from_secs(5), 0, origins);
        let (api, _) = api().split_for_parts();
        let mut request = request(Method::GET, "/health", "", "");
        request.headers_mut().insert("origin", "https://app.example".parse().expect("a header value"));
        let response = with_middleware(api, state).oneshot(request).await.expect("a response");
        let header =
            response.headers().get("access-control-allow-origin").and_then(|value| value.to_str().ok());
        assert_eq!(header, expected, "{allowed}");
    }
    let preflight = request(Method::OPTIONS, "/api/v1/auth/login", "", "");
    let response = app().oneshot(preflight).await.expect("a response");
    assert_eq!(response.status().as_u16(), 405, "no origin is allowed by default");
}

async fn optional(body: Option<crate::extract::Json<fintrac_proto::auth::v1::LogoutRequest>>) -> StatusCode {
    drop(body);
    StatusCode::NO_CONTENT
}

/// Run `cargo run -p gateway --example generate` when this fails.
#[test]
fn generated_files_are_current() {
    let openapi = super::document().to_pretty_json().expect("JSON") + "\n";
    assert!(openapi == include_str!("../../../openapi.json"), "openapi.json is not current");
    let errors = crate::problem::codes::markdown();
    assert!(errors == include_str!("../../../docs/ERRORS.md"), "docs/ERRORS.md is not current");
}

#[tokio::test]
async fn the_documents_can_be_switched_off() {
    for serves_documents in [true, false] {
        let config = Config { serves_documents, ..config(Duration::from_secs(5), 0, Vec::new()) };
        let app = super::app(state_with(config));
        for path in ["/docs/", "/redoc", "/openapi.json"] {
            let response = app.clone().oneshot(request(Method::GET, path, "", "")).await.expect("a response");
            assert_eq!(response.status() == StatusCode::OK, serves_documents, "{path}");
        }
    }
}

/// Builds a request with a body that starts and never ends.
fn unfinished(path: &str) -> Request<Body> {
    let begun = futures::stream::iter([Ok::<_, std::io::Error>("{\"name\":")]);
    let body = Body::from_stream(futures::StreamExt::chain(begun, futures::stream::pending()));
    request(Method::POST, path, "application/json", body)
}

#[tokio::test]
async fn an_incomplete_body_times_out_before_the_handler_starts() {
    let begun = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = Arc::clone(&begun);
    let change = post(async move || seen.store(true, std::sync::atomic::Ordering::SeqCst));
    let app = app_with(Router::new().route("/api/change", change), Duration::from_millis(50));
    let response = app.oneshot(unfinished("/api/change")).await.expect("a response");
    let problem = problem(response).await;
    assert_eq!((&problem["status"], &problem["code"]), (&408.into(), &"REQUEST_TIMEOUT".into()));
    assert!(!begun.load(std::sync::atomic::Ordering::SeqCst));
}

#[tokio::test]
async fn operations_without_a_token_accept_small_bodies_only() {
    let app = app();
    for (path, length, status) in
        [("/api/v1/auth/login", 17_000, 413), ("/api/v1/auth/login", 15_000, 400), ("/panic", 17_000, 413)]
    {
        let body = "x".repeat(length);
        let response = app.clone().oneshot(request(Method::POST, path, "application/json", body)).await;
        let response = response.expect("a response");
        assert_eq!(response.status().as_u16(), status, "{path} {length}");
    }
}

#[tokio::test]
async fn a_list_that_is_too_long_is_rejected() {
    use crate::extract::BoundedVec;

    #[derive(serde::Deserialize)]
    struct Body {
        items: BoundedVec<Item, 2>,
    }
    #[derive(serde::Deserialize)]
    struct Item {}

    let take = async |crate::extract::Json(body): crate::extract::Json<Body>| body.items.0.len().to_string();
    let app = app_with(Router::new().route("/api/list", post(take)), Duration::from_secs(5));
    let send = async |body: &str| {
        let request = request(Method::POST, "/api/list", "application/json", body.to_owned());
        app.clone().oneshot(request).await.expect("a response")
    };
    assert_eq!(send(r#"{"items":[{},{}]}"#).await.status(), StatusCode::OK);
    let problem = problem(send(r#"{"items":[{},{},{},{}]}"#).await).await;
    assert_eq!((&problem["status"], &problem["code"]), (&422.into(), &"VALIDATION_FAILED".into()));
    let error = &problem["errors"][0];
    assert_eq!((&error["field"], &error["code"]), (&"items".into(), &"TOO_MANY_ITEMS".into()));
}

#[tokio::test(start_paused = true)]
async fn readiness_is_checked_once_a_second() {
    let state = state(Duration::from_secs(30), 0);
    state.token_verifier.apply_delta(TrustUpdate::default());
    let clock = state.clock.clone();
    let (api, _) = api().split_for_parts();
    let app = with_middleware(Router::new().merge(api), state);
    let checked_at = async || {
        let response = app.clone().oneshot(request(Method::GET, "/health/ready", "", "")).await;
        let body = to_bytes(response.expect("a response").into_body(), usize::MAX).await.expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        body["checked_at"].as_str().expect("a time").to_owned()
    };
    let first = checked_at().await;
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(checked_at().await, first);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_ne!(checked_at().await, first);
}
