//! The ledger's database for a command: the one that is configured, else the
//! private cluster, whether the suite runs or not.

use std::path::PathBuf;

use anyhow::Context as _;
use embedded_postgres::Server;
use fintrac_kit::clock::Clock;
use fintrac_kit::config::Environment;
use fintrac_kit::database::{self as pools, app_role};
use fintrac_kit::module::open_schema;
use fintrac_kit::{process, telemetry};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::{data_dir, database};

const SCHEMA: &fintrac_kit::database::Schema = &ledger_svc::SCHEMA;

/// The ledger's pool, and the cluster if it was started for it.
pub struct LedgerPool {
    pub pool: PgPool,
    cluster: Option<Server>,
}

/// Connects as the ledger's serving role.
pub async fn open() -> anyhow::Result<LedgerPool> {
    let mut environment = Environment::load()?;
    telemetry::start(&environment)?;
    data_dir::prepare(&mut environment)?;
    let (options, cluster) = options(&environment).await?;
    environment.check()?;
    let pool = pools::pool(&options, SCHEMA.name, process::pool_config(&environment));
    open_schema(SCHEMA, &pool, &Clock::System).await?;
    Ok(LedgerPool { pool, cluster })
}

async fn options(environment: &Environment) -> anyhow::Result<(PgConnectOptions, Option<Server>)> {
    if let Some(given) = process::app_options(environment, SCHEMA.name).await {
        return Ok((given, None));
    }
    let as_ledger = |options: PgConnectOptions| options.username(&app_role(SCHEMA.name));
    let dir = PathBuf::from(environment.text("FINTRAC_DATA_DIR", "")).join("postgres");
    if let Some(socket_dir) = embedded_postgres::running(&dir) {
        return Ok((as_ledger(database::superuser_at(&socket_dir)), None));
    }
    let cluster = database::start_cluster(environment).await?;
    Ok((as_ledger(database::superuser(&cluster)), Some(cluster)))
}

impl LedgerPool {
    /// Lets go of the database; stops the cluster if it was started here.
    pub async fn close(self) -> anyhow::Result<()> {
        self.pool.close().await;
        if let Some(cluster) = self.cluster {
            tokio::task::spawn_blocking(move || cluster.stop()).await.context("PostgreSQL stops")?;
        }
        Ok(())
    }
}
