//! `fintrac migrate [up · status · down N]`.

use anyhow::{Context as _, ensure};
use kit_core::clock::Clock;
use kit_core::config::Environment;
use kit_service::startup;
use kit_telemetry::Purpose;
use sqlx::postgres::PgConnectOptions;

use crate::{data_dir, database};

/// An action on the schemas.
#[derive(Debug, Clone, Copy)]
pub enum Migration {
    /// Creates roles and schemas and applies all pending migrations.
    Up,
    /// Prints each migration and whether it is applied.
    Status,
    /// Reverts the last `steps` migrations of each chosen service.
    Down { steps: usize },
}

/// Runs the action for all services, or for one.
pub async fn run(action: Migration, service: Option<&str>) -> anyhow::Result<()> {
    let mut environment = Environment::load()?;
    kit_telemetry::start(&environment, "fintrac", Purpose::Command)?;
    data_dir::prepare(&mut environment)?;
    let given = startup::system_database(&environment);
    let secret = environment.secret("FINTRAC_SERVICE_SECRET");
    environment.check()?;
    if let Some(admin) = given {
        return migrate(&environment, &admin, &secret, action, service).await;
    }
    let dir = std::path::PathBuf::from(environment.text("FINTRAC_DATA_DIR", "")).join("postgres");
    if let (Some(socket), Migration::Status) = (embedded_postgres::running(&dir), action) {
        return migrate(&environment, &database::superuser_at(&socket), &secret, action, service).await;
    }
    let cluster = database::start_cluster(&environment).await?;
    let admin = database::superuser(&cluster);
    let migrated = migrate(&environment, &admin, &secret, action, service).await;
    tokio::task::spawn_blocking(move || cluster.stop()).await.context("PostgreSQL could not be stopped")?;
    migrated
}

#[expect(clippy::print_stdout, reason = "this is what the status is for")]
async fn migrate(
    environment: &Environment,
    admin: &PgConnectOptions,
    secret: &str,
    action: Migration,
    service: Option<&str>,
) -> anyhow::Result<()> {
    let schemas: Vec<_> = database::SCHEMAS
        .iter()
        .filter(|schema| service.is_none_or(|service| service == schema.name))
        .collect();
    ensure!(!schemas.is_empty(), "there is no such service; choose auth, ledger, budget or notify");
    match action {
        Migration::Up => {
            database::migrate(environment, admin, secret, &Clock::System).await?;
            tracing::info!("all schemas are up to date");
        }
        Migration::Status => {
            for schema in schemas {
                let owner = database::owner(environment, admin, secret, schema.name).await?;
                for (migration, is_applied) in schema.status(&owner).await? {
                    let state = if is_applied { "applied" } else { "pending" };
                    println!("{:<7} {state:<8} {migration}", schema.name);
                }
            }
        }
        Migration::Down { steps } => {
            for schema in schemas {
                let owner = database::owner(environment, admin, secret, schema.name).await?;
                let undone = schema.undo(&owner, steps).await?;
                tracing::info!(service = schema.name, undone, "migrations reverted");
            }
        }
    }
    Ok(())
}
