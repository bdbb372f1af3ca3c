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
/// How long a part may take to say that it is well.
const PATIENCE: Duration = Duration::from_secs(2);

/// That the gateway answers.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub struct HealthView {
    #[schema(example = "ok")]
    status: &'static str,
    /// Of the gateway.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// Which parts answer.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
pub struct ReadinessView {
    /// ok or degraded.
    #[schema(example = "ok")]
    status: &'static str,
    /// Parts that are not ready: what needs them is answered 503, everything else works.
    #[schema(example = json!([]))]
    missing: Vec<&'static str>,
    /// When the services were asked. An answer counts for a second.
    checked_at: DateTime<Utc>,
}

/// The last answer of the services, which are asked at most once a second.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<Checked>>);

#[derive(Debug, Clone)]
struct Checked {
    missing: Vec<&'static str>,
    at: DateTime<Utc>,
    age: Instant,
}

impl Readiness {
    /// Returns the last answer or asks; requests meanwhile wait for the same answer.
    async fn check(&self, state: &AppState) -> Checked {
        let mut last = self.0.lock().await;
        if let Some(checked) = last.as_ref().filter(|checked| checked.age.elapsed() < MAX_AGE) {
            return checked.clone();
        }
        let at = state.clock.now();
        let missing = missing_parts(state).await;
        // From the end on: requests that waited for a slow service do not ask it again.
        last.insert(Checked { missing, at, age: Instant::now() }).clone()
    }
}

fn ok() -> axum::Json<HealthView> {
    axum::Json(HealthView { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Is the gateway there?
///
/// Asks nothing behind it.
#[utoipa::path(get, path = "/health", tag = "health",
    responses((status = 200, description = "It answers", body = HealthView), SystemProblems))]
pub async fn health() -> axum::Json<HealthView> {
    ok()
}

/// Should the gateway be restarted?
///
/// Only when there is no answer: no restart mends what is behind it.
#[utoipa::path(get, path = "/health/live", tag = "health",
    responses((status = 200, description = "It is alive", body = HealthView), SystemProblems))]
pub async fn live() -> axum::Json<HealthView> {
    ok()
}

/// Can requests be served?
///
/// Asks every part behind the gateway, at most once a second. While one is missing the rest works, so the answer names it
/// and is still 200. It is 503 when nobody can be let in (no word from auth-svc), and when the gateway
/// is about to stop.
#[utoipa::path(get, path = "/health/ready", tag = "health",
    responses((status = 200, description = "Requests are served", body = ReadinessView),
        (status = 503, description = "No requests are served", body = crate::problem::body::ProblemBody,
            content_type = "application/problem+json"), SystemProblems))]
pub async fn ready(State(state): State<AppState>) -> Result<axum::Json<ReadinessView>, Problem> {
    if state.stopping.is_cancelled() {
        return Err(Problem::new("NOT_READY", "This server stops; ask another one."));
    }
    let Checked { missing, at: checked_at, .. } = state.readiness.check(&state).await;
    if !state.trust.is_known() {
        let problem = Problem::new("NOT_READY", format!("Not ready: {}.", missing.join(", ")));
        return Err(missing
            .into_iter()
            .fold(problem, |problem, name| problem.field(name, "NOT_READY", "This part is not ready.")));
    }
    let status = if missing.is_empty() { "ok" } else { "degraded" };
    Ok(axum::Json(ReadinessView { status, missing, checked_at }))
}

/// Whether every part behind the gateway is ready.
pub async fn is_ready(state: &AppState) -> bool {
    missing_parts(state).await.is_empty()
}

async fn missing_parts(state: &AppState) -> Vec<&'static str> {
    let parts = [
        ("auth", state.parts.auth.clone()),
        ("ledger", state.parts.ledger.clone()),
        ("budget", state.parts.budget.clone()),
        ("notify", state.parts.notify.clone()),
    ];
    let answers = join_all(parts.map(|(name, part)| async move { (name, is_serving(part).await) })).await;
    let mut missing: Vec<_> =
        answers.into_iter().filter(|(_, serving)| !serving).map(|(name, _)| name).collect();
    if !state.trust.is_known() && !missing.contains(&"auth") {
        missing.push("auth");
    }
    missing
}

async fn is_serving(part: Transport) -> bool {
    let request = HealthCheckRequest { service: String::new() };
    let answer = tokio::time::timeout(PATIENCE, HealthClient::new(part).check(request)).await;
    matches!(answer, Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving)
}
