//! The database of one service, for a command.
//!
//! It is the configured database, else the private cluster, which is started unless it runs
//! already.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Context as _;
use embedded_postgres::Server;
use kit_access::token_verifier::TokenVerifier;
use kit_core::clock::Clock;
use kit_core::config::Environment;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_db::{Schema, app_role};
use kit_process::shutdown::Shutdown;
use kit_service::module::{ServiceDependencies, open_schema};
use kit_service::startup;
use kit_telemetry::Purpose;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::{data_dir, database};

/// A service's connection pool, with the cluster if this command started it.
pub struct ServiceDatabase {
    pub environment: Environment,
    pub pool: PgPool,
    cluster: Option<Server>,
}

static STARTED: OnceLock<()> = OnceLock::new();

/// Connects as the service's application role.
pub async fn open(schema: &Schema) -> anyhow::Result<ServiceDatabase> {
    let mut environment = Environment::load()?;
    // A command may open several services, one after the other.
    if STARTED.set(()).is_ok() {
        kit_telemetry::start(&environment, "fintrac", Purpose::Command)?;
    }
    data_dir::prepare(&mut environment)?;
    let (options, cluster) = options(&environment, schema).await?;
    environment.check()?;
    let pool = kit_db::pool(&options, schema.name, startup::pool_config(&environment));
    open_schema(schema, &pool, &Clock::System).await?;
    Ok(ServiceDatabase { environment, pool, cluster })
}

async fn options(
    environment: &Environment,
    schema: &Schema,
) -> anyhow::Result<(PgConnectOptions, Option<Server>)> {
    if let Some(given) = startup::app_database_options(environment, schema.name).await {
        return Ok((given, None));
    }
    let as_service = |options: PgConnectOptions| options.username(&app_role(schema.name));
    let dir = PathBuf::from(environment.text("FINTRAC_DATA_DIR", "")).join("postgres");
    if let Some(socket_dir) = embedded_postgres::running(&dir) {
        return Ok((as_service(database::superuser_at(&socket_dir)), None));
    }
    let cluster = database::start_cluster(environment).await?;
    Ok((as_service(database::superuser(&cluster)), Some(cluster)))
}

impl ServiceDatabase {
    /// Returns the dependencies of the service's use cases.
    pub fn deps(&self) -> ServiceDependencies {
        let clock = Clock::System;
        ServiceDependencies {
            token_verifier: TokenVerifier::new(
                kit_process::token_verifier_config(&self.environment),
                clock.clone(),
            )
            .into(),
            keys: kit_process::service_keys(&self.environment),
            random: Random::System,
            pool: self.pool.clone(),
            event_log_signal: WakeSignal::default(),
            job_signal: WakeSignal::default(),
            closing: Shutdown::default().listeners,
            clock,
        }
    }

    /// Closes the pool, and stops the cluster if this command started it.
    pub async fn close(self) -> anyhow::Result<()> {
        self.pool.close().await;
        if let Some(cluster) = self.cluster {
            tokio::task::spawn_blocking(move || cluster.stop())
                .await
                .context("PostgreSQL could not be stopped")?;
        }
        Ok(())
    }
}
