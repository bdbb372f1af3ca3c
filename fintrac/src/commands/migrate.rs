//! `fintrac migrate`.

use anyhow::Context as _;
use fintrac_kit::clock::Clock;
use fintrac_kit::config::Environment;
use fintrac_kit::{process, telemetry};

use crate::{data_dir, database};

/// Makes roles and schemas, and brings every schema up to date.
pub async fn run() -> anyhow::Result<()> {
    let mut environment = Environment::load()?;
    telemetry::start(&environment)?;
    data_dir::prepare(&mut environment)?;
    let given = process::suite_database(&environment);
    let secret = environment.secret("FINTRAC_SERVICE_SECRET");
    environment.check()?;
    if let Some(admin) = given {
        database::migrate(&environment, &admin, &secret, &Clock::System).await
    } else {
        let cluster = database::start_cluster(&environment).await?;
        let admin = database::superuser(&cluster);
        let migrated = database::migrate(&environment, &admin, &secret, &Clock::System).await;
        tokio::task::spawn_blocking(move || cluster.stop()).await.context("PostgreSQL stops")?;
        migrated
    }?;
    tracing::info!("all schemas are up to date");
    Ok(())
}
