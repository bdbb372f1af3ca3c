//! The startup of a process: configuration, telemetry, keys.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kit_access::DirectRateLimit;
use kit_access::credential::ServiceKeys;
use kit_access::token_verifier::{TokenVerifier, TokenVerifierConfig};
use kit_core::clock::Clock;
use kit_core::config::{DeploymentEnvironment, Environment};
use kit_core::random::Random;
use kit_rpc::tls::Tls;
use kit_rpc::transport;
use kit_telemetry::Purpose;
use tokio::runtime::Builder;

use crate::shutdown::{Shutdown, ShutdownTimeouts};

const MAX_WORKER_THREADS: usize = 1024;

/// The process of a single service, or of the gateway, during its startup.
#[derive(Debug)]
pub struct Process {
    /// Name of the service.
    pub name: &'static str,
    /// Configuration of the process.
    pub environment: Environment,
    /// Source of the current time.
    pub clock: Clock,
    /// Source of ids and random bytes.
    pub random: Random,
    /// Keys of service credentials.
    pub keys: ServiceKeys,
    /// Verifier of access tokens.
    pub token_verifier: Arc<TokenVerifier>,
    /// TLS identity of the process, if it has one.
    pub tls: Option<Tls>,
    /// Phases of the shutdown.
    pub shutdown: Shutdown,
}

/// Runs `main` on the number of threads that `SERVER_WORKERS` sets.
/// `main` reports an invalid number together with all other problems.
pub fn block_on(main: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let workers = workers(&Environment::load()?).clamp(1, MAX_WORKER_THREADS);
    Builder::new_multi_thread().worker_threads(workers).enable_all().build()?.block_on(main)
}

/// Returns `SERVER_WORKERS`, by default the number of cores.
pub fn workers(environment: &Environment) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = environment.parse("SERVER_WORKERS", cores);
    if !(1..=MAX_WORKER_THREADS).contains(&workers) {
        environment.add_problem(format!("SERVER_WORKERS: must be 1 to {MAX_WORKER_THREADS}"));
    }
    workers
}

impl Process {
    /// Reads the environment and starts telemetry.
    pub fn start(name: &'static str) -> anyhow::Result<Self> {
        let environment = Environment::load()?;
        kit_telemetry::start(&environment, name, Purpose::Serving)?;
        warn_about_ignored_variables(&environment);
        let clock = Clock::System;
        let _threads_run = workers(&environment);
        let keys = service_keys(&environment);
        let token_verifier = Arc::new(TokenVerifier::new(token_verifier_config(&environment), clock.clone()));
        let (tls, shutdown) = (Tls::read(&environment)?, Shutdown::default());
        Ok(Self { name, environment, clock, random: Random::System, keys, token_verifier, tls, shutdown })
    }

    /// Returns the transport to another service, whose URL is `<SERVICE>_URL`.
    pub fn peer(&self, service: &str) -> anyhow::Result<transport::Transport> {
        let variable = format!("{}_URL", service.to_ascii_uppercase());
        let url = self.environment.required(&variable);
        self.environment.check()?;
        let tls = self.tls.as_ref().map(|tls| tls.client.clone());
        transport::remote(&url, tls, self.keys.issuer(self.name, service, &self.clock)).context(variable)
    }
}

/// Logs the variables that have no effect or are overridden by another one.
pub fn warn_about_ignored_variables(environment: &Environment) {
    let names = environment.ignored_variables();
    if !names.is_empty() {
        tracing::warn!("these variables have no effect: {}", names.join(", "));
    }
    for (name, winner) in environment.overridden() {
        tracing::warn!("{name} has no effect: {winner} overrides it");
    }
}

/// Logs the warnings about the settings read so far.
pub fn log_warnings(environment: &Environment) {
    for warning in environment.warnings() {
        tracing::warn!("{warning}");
    }
}

/// Returns the rate limit of direct calls, the same as through the gateway.
pub fn direct_rate_limit(environment: &Environment) -> DirectRateLimit {
    let DirectRateLimit(default) = DirectRateLimit::default();
    let per_minute = environment.parse_optional("RATE_LIMIT_PER_MINUTE").or(default);
    DirectRateLimit(per_minute.filter(|_| environment.flag("RATE_LIMIT_ENABLED", true)))
}

/// Returns the keys of `FINTRAC_SERVICE_KEYS`, else of `FINTRAC_SERVICE_SECRET`.
/// `FINTRAC_SERVICE_KEYS` contains only the edges of this process.
pub fn service_keys(environment: &Environment) -> ServiceKeys {
    let Some(edges) = environment.get("FINTRAC_SERVICE_KEYS") else {
        return ServiceKeys::from_secret(&environment.secret("FINTRAC_SERVICE_SECRET"));
    };
    ServiceKeys::parse_edges(edges).unwrap_or_else(|| {
        environment.add_problem(
            "FINTRAC_SERVICE_KEYS: must be caller>callee=base64url(32 bytes), separated by commas".into(),
        );
        ServiceKeys::from_secret("")
    })
}

/// Returns the settings for the verification of access tokens.
pub fn token_verifier_config(environment: &Environment) -> TokenVerifierConfig {
    let hs256_secret = match environment.text("JWT_ALGORITHM", "EdDSA").as_str() {
        "EdDSA" => None,
        "HS256" => Some(environment.secret("JWT_SECRET_KEY").into()),
        _ => {
            environment.add_problem("JWT_ALGORITHM: must be EdDSA or HS256".into());
            None
        }
    };
    TokenVerifierConfig {
        issuer: environment.text("JWT_ISSUER", "fintrac"),
        grace_period: Duration::from_secs(environment.parse("FINTRAC_REVOCATION_GRACE", 60)),
        hs256_secret,
    }
}

/// Returns the timeouts of a shutdown.
pub fn shutdown_timeouts(environment: &Environment) -> ShutdownTimeouts {
    let default_delay =
        if environment.deployment_environment() == DeploymentEnvironment::Development { 0 } else { 3 };
    ShutdownTimeouts {
        not_ready_delay: Duration::from_secs(environment.parse("FINTRAC_SHUTDOWN_DELAY", default_delay)),
        drain_timeout: Duration::from_secs(environment.parse("FINTRAC_DRAIN_TIMEOUT", 20)),
    }
}

/// Returns the address from `SERVER_HOST` and `SERVER_PORT` that serves REST.
pub fn rest_address(environment: &Environment) -> String {
    let host = environment.text("SERVER_HOST", "127.0.0.1");
    let port: u16 = environment.parse("SERVER_PORT", 8000);
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
