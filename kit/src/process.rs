//! The startup of a single service: configuration, telemetry, database, serving.
//!
//! The binary that runs all services in one process uses the same functions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::access::credential::ServiceKeys;
use crate::access::token_verifier::{TokenVerifier, TokenVerifierConfig};
use crate::access::{Authorizer, DirectRateLimit};
use crate::clock::Clock;
use crate::config::{DeploymentEnvironment, Environment};
use crate::database::{self, PoolConfig, Schema, app_role, role_password};
use crate::events::WakeSignal;
use crate::module::{ServiceDependencies, ServiceModule, open_schema};
use crate::random::Random;
use crate::serve::{self, Shutdown, ShutdownTimeouts};
use crate::telemetry::Purpose;
use crate::tls::Tls;
use crate::trust_subscription::run_trust_subscription;
use crate::{telemetry, transport};

const MAX_WORKER_THREADS: usize = 1024;

/// The process of a single service during its startup.
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
    tls: Option<Tls>,
    shutdown: Shutdown,
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
        telemetry::start(&environment, name, Purpose::Serving)?;
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

    /// Connects to the database, checks the schema and builds the dependencies.
    pub async fn deps(&self, schema: &Schema) -> anyhow::Result<ServiceDependencies> {
        let options = app_database_options(&self.environment, schema.name).await;
        let own = schema.name.to_ascii_uppercase();
        let missing =
            || format!("no database: set {own}_DATABASE_URL, or DATABASE_URL and FINTRAC_SERVICE_SECRET");
        self.environment.check()?;
        let pool =
            database::pool(&options.with_context(missing)?, schema.name, pool_config(&self.environment));
        open_schema(schema, &pool, &self.clock).await?;
        Ok(ServiceDependencies {
            clock: self.clock.clone(),
            random: self.random.clone(),
            keys: self.keys.clone(),
            token_verifier: Arc::clone(&self.token_verifier),
            pool,
            event_log_signal: WakeSignal::default(),
            job_signal: WakeSignal::default(),
            closing: self.shutdown.listeners.clone(),
        })
    }

    /// Serves `module` on `GRPC_LISTEN` until a shutdown signal.
    /// `auth` supplies trust updates to the verifier of access tokens; auth-svc itself needs none.
    pub async fn serve(
        self,
        module: ServiceModule,
        auth: Option<transport::Transport>,
    ) -> anyhow::Result<()> {
        let address: SocketAddr =
            self.environment.parse("GRPC_LISTEN", SocketAddr::from(([127, 0, 0, 1], 50051)));
        let reflection = self.environment.flag(
            "GRPC_REFLECTION",
            self.environment.deployment_environment() != DeploymentEnvironment::Production,
        );
        let shutdown_timeouts = shutdown_timeouts(&self.environment);
        let direct_rate_limit = direct_rate_limit(&self.environment);
        let probes: Option<SocketAddr> = self.environment.parse_optional("GRPC_HEALTH_LISTEN");
        self.environment.check()?;
        let probes = match probes {
            Some(probes) => Some(
                TcpListener::bind(probes).await.with_context(|| format!("GRPC_HEALTH_LISTEN {probes}"))?,
            ),
            None => None,
        };
        let listener = TcpListener::bind(address).await.with_context(|| format!("GRPC_LISTEN {address}"))?;
        let shutdown = self.shutdown;
        if let Some(auth) = auth {
            shutdown.spawn(run_trust_subscription(
                Arc::clone(&self.token_verifier),
                auth,
                shutdown.workers.clone(),
            ));
        }
        let authorizer = Authorizer::new(self.name, self.keys, Arc::clone(&self.token_verifier), self.clock)
            .with_direct_rate_limit(direct_rate_limit);
        let pool = module.pool.clone();
        let (server, health) =
            serve::start_module(module, Arc::new(authorizer), &self.token_verifier, reflection, &shutdown)
                .await;
        let serving = vec![serve::grpc(listener, server, self.tls.map(|tls| tls.server), &shutdown)];
        if let Some(listener) = probes {
            serve::health(listener, health, &shutdown);
        }
        tracing::info!(service = self.name, %address, "ready: gRPC");
        serve::shutdown_signal().await?;
        shutdown.run(shutdown_timeouts, serving).await;
        pool.close().await;
        tracing::info!(service = self.name, "stopped");
        telemetry::flush().await;
        Ok(())
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

/// Returns the size and the timeout of the connection pool.
pub fn pool_config(environment: &Environment) -> PoolConfig {
    PoolConfig {
        max_connections: environment.parse("DB_POOL_SIZE", 10),
        acquire_timeout: Duration::from_secs(environment.parse("DB_TIMEOUT", 10)),
    }
}

/// Returns the system's database: `DATABASE_URL`, else `DB_POSTGRES_*`, else none.
pub fn system_database(environment: &Environment) -> Option<PgConnectOptions> {
    if let Some(options) = environment.parse_optional("DATABASE_URL") {
        return Some(options);
    }
    let host = environment.get("DB_POSTGRES_HOST")?;
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(host)
        .port(environment.parse("DB_POSTGRES_PORT", 5432))
        .database(&environment.text("DB_POSTGRES_NAME", "fintrac"))
        .username(&environment.text("DB_POSTGRES_USERNAME", "postgres"));
    if let Some(password) = environment.get("DB_POSTGRES_PASSWORD") {
        options = options.password(password);
    }
    Some(options)
}

/// Returns the options with which the application role of `schema` connects.
/// They are `<SCHEMA>_DATABASE_URL`, else the system's database as `<schema>_app`, else, if that
/// role cannot log in, the system's database as configured.
pub async fn app_database_options(environment: &Environment, schema: &str) -> Option<PgConnectOptions> {
    let own = format!("{}_DATABASE_URL", schema.to_ascii_uppercase());
    if let Some(options) = environment.parse_optional(&own) {
        return Some(options);
    }
    let given = system_database(environment)?;
    let secret = environment.get("FINTRAC_SERVICE_SECRET")?;
    let role = app_role(schema);
    let options = given.clone().username(&role).password(&role_password(secret, &role));
    match options.connect().await {
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code.starts_with("28")) => {
            tracing::warn!(schema, "the role {role} cannot log in; using the configured role");
            Some(given)
        }
        Ok(_) | Err(_) => Some(options),
    }
}

/// Returns the address from `SERVER_HOST` and `SERVER_PORT` that serves REST.
pub fn rest_address(environment: &Environment) -> String {
    let host = environment.text("SERVER_HOST", "127.0.0.1");
    let port: u16 = environment.parse("SERVER_PORT", 8000);
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
