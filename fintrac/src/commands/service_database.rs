//! The database of one service, for a command.
//!
//! It is the configured database, else the private cluster, which is started unless it runs
//! already.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Context as _;
use embedded_postgres::Server;
use fintrac_kit::access::token_verifier::TokenVerifier;
use fintrac_kit::clock::Clock;
use fintrac_kit::config::Environment;
use fintrac_kit::database::{self as pools, Schema, app_role};
use fintrac_kit::events::WakeSignal;
use fintrac_kit::module::{ServiceDependencies, open_schema};
use fintrac_kit::random::Random;
use fintrac_kit::serve::Shutdown;
use fintrac_kit::telemetry::Purpose;
use fintrac_kit::{process, telemetry};
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
        telemetry::start(&environment, "fintrac", Purpose::Command)?;
    }
    data_dir::prepare(&mut environment)?;
    let (options, cluster) = options(&environment, schema).await?;
    environment.check()?;
    let pool = pools::pool(&options, schema.name, process::pool_config(&environment));
    open_schema(schema, &pool, &Clock::System).await?;
    Ok(ServiceDatabase { environment, pool, cluster })
}

async fn options(
    environment: &Environment,
    schema: &Schema,
) -> anyhow::Result<(PgConnectOptions, Option<Server>)> {
    if let Some(given) = process::app_database_options(environment, schema.name).await {
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
                process::token_verifier_config(&self.environment),
                clock.clone(),
            )
            .into(),
            keys: process::service_keys(&self.environment),
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
