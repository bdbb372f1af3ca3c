//! Serves the API documentation: Swagger UI, Redoc and `/openapi.json`.
//!
//! All assets are part of the binary.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

use crate::state::AppState;

static REDOC: &[u8] = include_bytes!("../../assets/redoc.standalone.js");
static REDOC_PAGE: &str = include_str!("../../assets/redoc.html");

const REDOC_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                            worker-src blob:; font-src 'self' data:";

const SWAGGER_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

pub fn router(document: OpenApi) -> Router<AppState> {
    Router::new()
        .merge(SwaggerUi::new("/docs").url("/openapi.json", document))
        .layer(SetResponseHeaderLayer::if_not_present(CONTENT_SECURITY_POLICY, SWAGGER_POLICY))
        .route("/redoc", get(redoc_page))
        .route("/redoc/redoc.standalone.js", get(redoc_bundle))
}

/// Serves Redoc. The policy keeps the bundle from loading the logo of its vendor.
async fn redoc_page() -> impl IntoResponse {
    ([(CONTENT_SECURITY_POLICY, REDOC_POLICY)], Html(REDOC_PAGE))
}

async fn redoc_bundle() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "public, max-age=86400")], REDOC)
}
