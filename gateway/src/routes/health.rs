use std::time::Duration;

use axum::extract::State;
use chrono::{DateTime, Utc};
use fintrac_kit::transport::Transport;
use futures::future::join_all;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use utoipa::ToSchema;

use crate::openapi::SystemProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// The time for which a readiness check is cached.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The timeout of the health check of one service.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// The health of the gateway.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub struct HealthResponse {
    /// The status: always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The version of the gateway.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// The readiness of the gateway and of the services behind it.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
pub struct ReadinessResponse {
    /// The status: `ok`, or `degraded` if a service is not ready.
    #[schema(example = "ok")]
    status: &'static str,
    /// The services that are not ready.
    /// Only requests that need one of them are rejected with 503.
    #[schema(example = json!([]))]
    missing: Vec<&'static str>,
    /// The time of the check, whose result is cached for one second.
    checked_at: DateTime<Utc>,
}

/// The cached result of the last check, refreshed at most once a second.
#[derive(Debug, Default)]
pub struct ReadinessCache(Mutex<Option<ReadinessSnapshot>>);

#[derive(Debug, Clone)]
struct ReadinessSnapshot {
    missing: Vec<&'static str>,
    checked_at: DateTime<Utc>,
    refreshed_at: Instant,
}

impl ReadinessCache {
    /// Returns the cached result or checks the services.
    ///
    /// The lock makes concurrent requests wait for the same check.
    async fn check(&self, state: &AppState) -> ReadinessSnapshot {
        let mut last = self.0.lock().await;
        if let Some(checked) = last.as_ref().filter(|checked| checked.refreshed_at.elapsed() < MAX_AGE) {
            return checked.clone();
        }
        let checked_at = state.clock.now();
        let missing = missing_services(state).await;
        // The age counts from the end: requests that waited do not check again.
        last.insert(ReadinessSnapshot { missing, checked_at, refreshed_at: Instant::now() }).clone()
    }
}

fn ok() -> axum::Json<HealthResponse> {
    axum::Json(HealthResponse { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Check the health of the gateway
///
/// Responds without a call to any service.
#[utoipa::path(get, path = "/health", tag = "health",
    responses((status = 200, description = "The gateway responds", body = HealthResponse), SystemProblems))]
pub async fn get_health() -> axum::Json<HealthResponse> {
    ok()
}

/// Check whether the gateway is alive
///
/// For liveness probes: restart the gateway only if there is no response. A restart does not repair
/// the services behind it.
#[utoipa::path(get, path = "/health/live", tag = "health",
    responses((status = 200, description = "The gateway is alive", body = HealthResponse), SystemProblems))]
pub async fn get_liveness() -> axum::Json<HealthResponse> {
    ok()
}

/// Check whether requests can be served
///
/// Checks every service behind the gateway at most once a second. A service that is not ready
/// affects only its own operations, so the status is still 200 and the response lists the service.
/// The status is 503 while access tokens cannot be verified because trust updates from auth-svc are
/// missing, and while the gateway shuts down.
#[utoipa::path(get, path = "/health/ready", tag = "health",
    responses((status = 200, description = "Requests are served", body = ReadinessResponse),
        (status = 503, description = "No requests are served", body = crate::problem::details::ProblemDetails,
            content_type = "application/problem+json"), SystemProblems))]
pub async fn get_readiness(State(state): State<AppState>) -> Result<axum::Json<ReadinessResponse>, Problem> {
    if state.stopping.is_cancelled() {
        return Err(Problem::new("NOT_READY", "This server is shutting down. Try again in a moment."));
    }
    let ReadinessSnapshot { missing, checked_at, .. } = state.readiness.check(&state).await;
    if !state.token_verifier.is_ready() {
        let problem = Problem::new("NOT_READY", format!("Not ready: {}.", missing.join(", ")));
        return Err(missing
            .into_iter()
            .fold(problem, |problem, name| problem.field(name, "NOT_READY", "This service is not ready.")));
    }
    let status = if missing.is_empty() { "ok" } else { "degraded" };
    Ok(axum::Json(ReadinessResponse { status, missing, checked_at }))
}

/// Whether every service behind the gateway is ready.
pub async fn is_ready(state: &AppState) -> bool {
    missing_services(state).await.is_empty()
}

async fn missing_services(state: &AppState) -> Vec<&'static str> {
    let services = [
        ("auth", state.services.auth.clone()),
        ("ledger", state.services.ledger.clone()),
        ("budget", state.services.budget.clone()),
        ("notify", state.services.notify.clone()),
    ];
    let statuses =
        join_all(services.map(|(name, transport)| async move { (name, is_serving(transport).await) })).await;
    let mut missing: Vec<_> =
        statuses.into_iter().filter(|(_, serving)| !serving).map(|(name, _)| name).collect();
    if !state.token_verifier.is_ready() && !missing.contains(&"auth") {
        missing.push("auth");
    }
    missing
}

async fn is_serving(transport: Transport) -> bool {
    let request = HealthCheckRequest { service: String::new() };
    let response = tokio::time::timeout(CHECK_TIMEOUT, HealthClient::new(transport).check(request)).await;
    matches!(response, Ok(Ok(response)) if response.get_ref().status() == ServingStatus::Serving)
}
