use axum::extract::State;
use chrono::{DateTime, Utc};
use kit_core::error::{FieldCode, ProblemCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::SystemProblems;
use crate::problem::Problem;
use crate::readiness::ReadinessSnapshot;
use crate::state::AppState;

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
        return Err(Problem::new(
            ProblemCode::NotReady,
            "This server is shutting down. Try again in a moment.",
        ));
    }
    let ReadinessSnapshot { missing, checked_at, .. } =
        state.readiness.check(&state.services, &state.token_verifier, &state.clock).await;
    if !state.token_verifier.is_ready() {
        let problem = Problem::new(ProblemCode::NotReady, format!("Not ready: {}.", missing.join(", ")));
        return Err(missing.into_iter().fold(problem, |problem, name| {
            problem.field(name, FieldCode::NotReady, "This service is not ready.")
        }));
    }
    let status = if missing.is_empty() { "ok" } else { "degraded" };
    Ok(axum::Json(ReadinessResponse { status, missing, checked_at }))
}
