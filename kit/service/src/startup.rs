//! The startup of a single service: database, dependencies, serving.
//!
//! The binary that runs all services in one process uses the same settings.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kit_access::Authorizer;
use kit_core::config::{DeploymentEnvironment, Environment};
use kit_core::wake_signal::WakeSignal;
use kit_db::{PoolConfig, Schema, app_role, role_password};
use kit_process::shutdown::shutdown_signal;
use kit_process::trust_subscription::run_trust_subscription;
use kit_process::{Process, direct_rate_limit, shutdown_timeouts};
use kit_rpc::transport::Transport;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;

use crate::module::{ServiceDependencies, ServiceModule, open_schema};
use crate::serve;

/// Connects to the database, checks the schema and builds the dependencies.
pub async fn connect(process: &Process, schema: &Schema) -> anyhow::Result<ServiceDependencies> {
    let options = app_database_options(&process.environment, schema.name).await;
    let own = schema.name.to_ascii_uppercase();
    let missing =
        || format!("no database: set {own}_DATABASE_URL, or DATABASE_URL and FINTRAC_SERVICE_SECRET");
    process.environment.check()?;
    let pool = kit_db::pool(&options.with_context(missing)?, schema.name, pool_config(&process.environment));
    open_schema(schema, &pool, &process.clock).await?;
    Ok(ServiceDependencies {
        clock: process.clock.clone(),
        random: process.random.clone(),
        keys: process.keys.clone(),
        token_verifier: Arc::clone(&process.token_verifier),
        pool,
        event_log_signal: WakeSignal::default(),
        job_signal: WakeSignal::default(),
        closing: process.shutdown.listeners.clone(),
    })
}

/// Serves `module` on `GRPC_LISTEN` until a shutdown signal.
/// `auth` supplies trust updates to the verifier of access tokens; auth-svc itself needs none.
pub async fn serve(process: Process, module: ServiceModule, auth: Option<Transport>) -> anyhow::Result<()> {
    let address: SocketAddr =
        process.environment.parse("GRPC_LISTEN", SocketAddr::from(([127, 0, 0, 1], 50051)));
    let reflection = process.environment.flag(
        "GRPC_REFLECTION",
        process.environment.deployment_environment() != DeploymentEnvironment::Production,
    );
    let shutdown_timeouts = shutdown_timeouts(&process.environment);
    let direct_rate_limit = direct_rate_limit(&process.environment);
    let probes: Option<SocketAddr> = process.environment.parse_optional("GRPC_HEALTH_LISTEN");
    process.environment.check()?;
    let probes = match probes {
        Some(probes) => {
            Some(TcpListener::bind(probes).await.with_context(|| format!("GRPC_HEALTH_LISTEN {probes}"))?)
        }
        None => None,
    };
    let listener = TcpListener::bind(address).await.with_context(|| format!("GRPC_LISTEN {address}"))?;
    let shutdown = process.shutdown;
    if let Some(auth) = auth {
        shutdown.spawn(run_trust_subscription(
            Arc::clone(&process.token_verifier),
            auth,
            shutdown.workers.clone(),
        ));
    }
    let authorizer =
        Authorizer::new(process.name, process.keys, Arc::clone(&process.token_verifier), process.clock)
            .with_direct_rate_limit(direct_rate_limit);
    let pool = module.pool.clone();
    let (server, health) =
        serve::start_module(module, Arc::new(authorizer), &process.token_verifier, reflection, &shutdown)
            .await;
    let serving = vec![serve::grpc(listener, server, process.tls.map(|tls| tls.server), &shutdown)];
    if let Some(listener) = probes {
        serve::health(listener, health, &shutdown);
    }
    tracing::info!(service = process.name, %address, "ready: gRPC");
    shutdown_signal().await?;
    shutdown.run(shutdown_timeouts, serving).await;
    pool.close().await;
    tracing::info!(service = process.name, "stopped");
    kit_telemetry::flush().await;
    Ok(())
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
