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

/// How long an answer counts.
const MAX_AGE: Duration = Duration::from_secs(1);
/// How long a service may take to say that it is well.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// That the gateway answers.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub struct HealthResponse {
    #[schema(example = "ok")]
    status: &'static str,
    /// Of the gateway.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// Which services answer.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
pub struct ReadinessResponse {
    /// ok or degraded.
    #[schema(example = "ok")]
    status: &'static str,
    /// Services that are not ready: what needs them is answered 503, everything else works.
    #[schema(example = json!([]))]
    missing: Vec<&'static str>,
    /// When the services were asked. An answer counts for a second.
    checked_at: DateTime<Utc>,
}

/// The last answer of the services, which are asked at most once a second.
#[derive(Debug, Default)]
pub struct ReadinessCache(Mutex<Option<ReadinessSnapshot>>);

#[derive(Debug, Clone)]
struct ReadinessSnapshot {
    missing: Vec<&'static str>,
    checked_at: DateTime<Utc>,
    refreshed_at: Instant,
}

impl ReadinessCache {
    /// Returns the last answer or asks; requests meanwhile wait for the same answer.
    async fn check(&self, state: &AppState) -> ReadinessSnapshot {
        let mut last = self.0.lock().await;
        if let Some(checked) = last.as_ref().filter(|checked| checked.refreshed_at.elapsed() < MAX_AGE) {
            return checked.clone();
        }
        let checked_at = state.clock.now();
        let missing = missing_services(state).await;
        // From the end on: requests that waited for a slow service do not ask it again.
        last.insert(ReadinessSnapshot { missing, checked_at, refreshed_at: Instant::now() }).clone()
    }
}

fn ok() -> axum::Json<HealthResponse> {
    axum::Json(HealthResponse { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Is the gateway there?
///
/// Asks nothing behind it.
#[utoipa::path(get, path = "/health", tag = "health",
    responses((status = 200, description = "It answers", body = HealthResponse), SystemProblems))]
pub async fn get_health() -> axum::Json<HealthResponse> {
    ok()
}

/// Should the gateway be restarted?
///
/// Only when there is no answer: no restart mends what is behind it.
#[utoipa::path(get, path = "/health/live", tag = "health",
    responses((status = 200, description = "It is alive", body = HealthResponse), SystemProblems))]
pub async fn get_liveness() -> axum::Json<HealthResponse> {
    ok()
}

/// Can requests be served?
///
/// Asks every service behind the gateway, at most once a second. While one is missing the rest works, so the answer names it
/// and is still 200. It is 503 when nobody can be let in (no word from auth-svc), and when the gateway
/// is about to stop.
#[utoipa::path(get, path = "/health/ready", tag = "health",
    responses((status = 200, description = "Requests are served", body = ReadinessResponse),
        (status = 503, description = "No requests are served", body = crate::problem::details::ProblemDetails,
            content_type = "application/problem+json"), SystemProblems))]
pub async fn get_readiness(State(state): State<AppState>) -> Result<axum::Json<ReadinessResponse>, Problem> {
    if state.stopping.is_cancelled() {
        return Err(Problem::new("NOT_READY", "This server stops; ask another one."));
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
