//! One part's database for a command: the one that is configured, else the
//! private cluster, whether the suite runs or not.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Context as _;
use embedded_postgres::Server;
use fintrac_kit::access::trust::Trust;
use fintrac_kit::clock::Clock;
use fintrac_kit::config::Environment;
use fintrac_kit::database::{self as pools, Schema, app_role};
use fintrac_kit::events::Bell;
use fintrac_kit::module::{Deps, open_schema};
use fintrac_kit::random::Random;
use fintrac_kit::serve::Stop;
use fintrac_kit::telemetry::Purpose;
use fintrac_kit::{process, telemetry};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::{data_dir, database};

/// A part's pool, and the cluster if it was started for it.
pub struct Part {
    pub environment: Environment,
    pub pool: PgPool,
    cluster: Option<Server>,
}

static STARTED: OnceLock<()> = OnceLock::new();

/// Connects as the part's serving role.
pub async fn open(schema: &Schema) -> anyhow::Result<Part> {
    let mut environment = Environment::load()?;
    // A command may open several parts, one after the other.
    if STARTED.set(()).is_ok() {
        telemetry::start(&environment, "fintrac", Purpose::Command)?;
    }
    data_dir::prepare(&mut environment)?;
    let (options, cluster) = options(&environment, schema).await?;
    environment.check()?;
    let pool = pools::pool(&options, schema.name, process::pool_config(&environment));
    open_schema(schema, &pool, &Clock::System).await?;
    Ok(Part { environment, pool, cluster })
}

async fn options(
    environment: &Environment,
    schema: &Schema,
) -> anyhow::Result<(PgConnectOptions, Option<Server>)> {
    if let Some(given) = process::app_options(environment, schema.name).await {
        return Ok((given, None));
    }
    let as_part = |options: PgConnectOptions| options.username(&app_role(schema.name));
    let dir = PathBuf::from(environment.text("FINTRAC_DATA_DIR", "")).join("postgres");
    if let Some(socket_dir) = embedded_postgres::running(&dir) {
        return Ok((as_part(database::superuser_at(&socket_dir)), None));
    }
    let cluster = database::start_cluster(environment).await?;
    Ok((as_part(database::superuser(&cluster)), Some(cluster)))
}

impl Part {
    /// What its use cases are built from.
    pub fn deps(&self) -> Deps {
        let clock = Clock::System;
        Deps {
            trust: Trust::new(process::trust_config(&self.environment), clock.clone()).into(),
            keys: process::service_keys(&self.environment),
            random: Random::System,
            pool: self.pool.clone(),
            bell: Bell::default(),
            closing: Stop::default().listeners,
            clock,
        }
    }

    /// Lets go of the database; stops the cluster if it was started here.
    pub async fn close(self) -> anyhow::Result<()> {
        self.pool.close().await;
        if let Some(cluster) = self.cluster {
            tokio::task::spawn_blocking(move || cluster.stop()).await.context("PostgreSQL stops")?;
        }
        Ok(())
    }
}
