//! The routes and the middleware around them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, LINK, LOCATION, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY,
};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any_service;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::SECURITY_HEADERS;
use crate::layers;
use crate::layers::body::BodyLimits;
use crate::layers::rate_limit::RateLimits;
use crate::layers::request_context::RequestContextLayer;
use crate::openapi;
use crate::routes::{
    accounts, admin, analytics, auth, budgets, categories, currencies, docs, events, goals, health, jwks,
    notifications, pages, recurring, reports, transactions, users,
};
use crate::state::AppState;

/// Returns the complete OpenAPI document.
pub fn document() -> OpenApi {
    openapi::post_process(api().to_openapi())
}

/// Returns the documented operations.
pub fn api() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new()
        .merge(auth::router())
        .merge(users::router())
        .merge(accounts::router())
        .merge(budgets::router())
        .merge(categories::router())
        .merge(currencies::router())
        .merge(goals::router())
        .merge(notifications::router())
        .merge(recurring::router())
        .merge(transactions::router())
        .merge(analytics::router())
        .merge(events::router())
        .merge(reports::router())
        .merge(admin::router())
        .layer(default_header(CACHE_CONTROL, "no-store"));
    OpenApiRouter::with_openapi(openapi::base_document())
        .nest("/api/v1", v1)
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_readiness))
        .routes(routes!(health::get_liveness))
        .routes(routes!(jwks::get_jwks))
}

pub fn app(state: AppState) -> Router {
    let (api, document) = api().split_for_parts();
    let mut routes = Router::new().merge(api).merge(pages::router());
    if state.config.serves_documents {
        routes = routes.merge(docs::router(openapi::post_process(document)));
    }
    with_middleware(routes, state)
}

/// Wraps the router in the layers, from the outside in.
/// They wrap it as one service: around the routes, each layer would be boxed and cloned with its
/// state for every request.
fn with_middleware(routes: Router<AppState>, state: AppState) -> Router {
    let certified = state.config.certificate.is_some();
    let transport_security =
        certified.then(|| default_header(STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"));
    let security = <(_, _, _, _)>::from(SECURITY_HEADERS.map(|(name, value)| default_header(name, value)));
    let timeout = state.config.request_timeout;
    let context = Arc::new(RequestContextLayer {
        random: state.random.clone(),
        clock: state.clock.clone(),
        trusted_proxies: state.config.trusted_proxies.clone(),
        timeout,
    });
    let rate_limits = state.config.rate_limit.map(|per_minute| {
        let redis = state.config.redis.clone();
        Arc::new(RateLimits::new(per_minute, redis, Arc::clone(&state.token_verifier)))
    });
    let service = ServiceBuilder::new()
        .map_request(layers::normalize_path::normalize_path)
        // All inner layers see the request's id and deadline.
        .layer(from_fn_with_state(context, layers::request_context::attach))
        // JSON lists compress well. Event streams are not buffered.
        .layer(CompressionLayer::new())
        // Every rejection is a problem, including those of the framework.
        .layer(from_fn(layers::problem_response::write_problem))
        .option_layer(transport_security)
        .layer(security)
        // Responds to preflights before a route rejects OPTIONS.
        .option_layer(cors(&state))
        // Requests denied by IP rules do not count against the rate limit.
        .layer(from_fn_with_state(Arc::clone(&state.token_verifier), layers::ip_rules::enforce))
        // Rejects floods before they reach the costlier layers.
        .option_layer(rate_limits.map(|limits| from_fn_with_state(limits, layers::rate_limit::enforce)))
        // A proxy must not be able to parse a request differently.
        .layer(from_fn(layers::framing::reject_ambiguous))
        // PostgreSQL does not accept U+0000.
        .layer(from_fn(layers::reject_nul::reject_nul))
        // Oversized requests are rejected early.
        .layer(from_fn(layers::request_limits::enforce))
        // A body is complete or rejected before the handler starts.
        .layer(from_fn_with_state(BodyLimits::new(timeout), layers::body::buffer))
        // A client that disconnects must not interrupt a change.
        .layer(from_fn_with_state(timeout, layers::complete_on_disconnect::complete_on_disconnect))
        // Bodies are already limited.
        .layer(DefaultBodyLimit::disable())
        // HEAD runs as GET; the outermost layer strips the body.
        .map_request(layers::head_as_get::head_as_get)
        // The access log names routes, not paths.
        .service(routes.route_layer(from_fn(layers::request_context::record_matched_path)).with_state(state));
    Router::new().fallback_service(any_service(service))
}

fn default_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Builds the CORS layer; `None` without allowed origins.
/// The layer would respond to every preflight.
fn cors(state: &AppState) -> Option<CorsLayer> {
    let origins = state.config.cors_origins.clone();
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(if origins == ["*"] { AllowOrigin::any() } else { AllowOrigin::list(origins) })
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            ACCEPT_LANGUAGE,
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([
            ETAG,
            LINK,
            LOCATION,
            RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("idempotency-replayed"),
        ])
        .max_age(Duration::from_mins(10));
    Some(layer)
}

#[cfg(test)]
mod tests;
