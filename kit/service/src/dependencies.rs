//! The dependencies that every service is built from.

use std::sync::Arc;

use kit_access::credential::ServiceKeys;
use kit_access::token_verifier::TokenVerifier;
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// The dependencies that every service is built from.
#[derive(Debug, Clone)]
pub struct ServiceDependencies {
    /// Source of the current time.
    pub clock: Clock,
    /// Source of ids and random bytes.
    pub random: Random,
    /// Keys of service credentials.
    pub keys: ServiceKeys,
    /// Verifier of access tokens.
    pub token_verifier: Arc<TokenVerifier>,
    /// Connections to the service's schema.
    pub pool: PgPool,
    /// Signal that wakes the readers of the event log after a commit.
    pub event_log_signal: WakeSignal,
    /// Signal that wakes the workers after a commit with new jobs.
    pub job_signal: WakeSignal,
    /// Canceled when listeners close, to end streams that have no end of their own.
    pub closing: CancellationToken,
}
