//! The readiness of the services behind the gateway.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use kit_access::token_verifier::TokenVerifier;
use kit_core::clock::Clock;
use kit_rpc::transport::Transport;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::services::Services;

/// The time for which a check is cached.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The timeout of the health check of one service.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// The cached result of the last check, refreshed at most once a second.
#[derive(Debug, Default)]
pub struct ReadinessCache(Mutex<Option<ReadinessSnapshot>>);

/// The result of a check.
#[derive(Debug, Clone)]
pub struct ReadinessSnapshot {
    /// The services that are not ready.
    pub missing: Vec<&'static str>,
    pub checked_at: DateTime<Utc>,
    refreshed_at: Instant,
}

impl ReadinessCache {
    /// Returns the cached result or checks the services.
    ///
    /// The lock makes concurrent requests wait for the same check.
    pub async fn check(
        &self,
        services: &Services,
        token_verifier: &TokenVerifier,
        clock: &Clock,
    ) -> ReadinessSnapshot {
        let mut last = self.0.lock().await;
        if let Some(checked) = last.as_ref().filter(|checked| checked.refreshed_at.elapsed() < MAX_AGE) {
            return checked.clone();
        }
        let checked_at = clock.now();
        let missing = missing_services(services, token_verifier).await;
        // The age counts from the end: requests that waited do not check again.
        last.insert(ReadinessSnapshot { missing, checked_at, refreshed_at: Instant::now() }).clone()
    }
}

/// Lists the services that are not ready.
pub async fn missing_services(services: &Services, token_verifier: &TokenVerifier) -> Vec<&'static str> {
    let services = [
        ("auth", services.auth.clone()),
        ("ledger", services.ledger.clone()),
        ("budget", services.budget.clone()),
        ("notify", services.notify.clone()),
    ];
    let statuses =
        join_all(services.map(|(name, transport)| async move { (name, is_serving(transport).await) })).await;
    let mut missing: Vec<_> =
        statuses.into_iter().filter(|(_, serving)| !serving).map(|(name, _)| name).collect();
    if !token_verifier.is_ready() && !missing.contains(&"auth") {
        missing.push("auth");
    }
    missing
}

async fn is_serving(transport: Transport) -> bool {
    let request = HealthCheckRequest { service: String::new() };
    let response = tokio::time::timeout(CHECK_TIMEOUT, HealthClient::new(transport).check(request)).await;
    matches!(response, Ok(Ok(response)) if response.get_ref().status() == ServingStatus::Serving)
}
