//! The system's database with its roles and schemas.
//!
//! It is the private cluster, or the database that is configured.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use embedded_postgres::{Options, Server};
use kit_core::clock::Clock;
use kit_core::config::{DeploymentEnvironment, Environment};
use kit_db::{Schema, owner_role, role_password};
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

/// Every schema of the system.
pub const SCHEMAS: [Schema; 4] =
    [auth_svc::SCHEMA, ledger_svc::SCHEMA, budget_svc::SCHEMA, notify_svc::SCHEMA];

/// Starts the private cluster in the data folder.
pub async fn start_cluster(environment: &Environment) -> anyhow::Result<Server> {
    let dir = PathBuf::from(environment.text("FINTRAC_DATA_DIR", "")).join("postgres");
    let settings = ["max_connections=200", "shared_buffers=256MB", "log_min_messages=warning"];
    let options = Options { dir, settings: settings.map(str::to_owned).to_vec(), temporary: false };
    Ok(tokio::task::spawn_blocking(move || Server::start(&options))
        .await
        .context("PostgreSQL could not be started")??)
}

/// Returns the options to connect to the private cluster as its superuser.
pub fn superuser(cluster: &Server) -> PgConnectOptions {
    superuser_at(cluster.socket_dir())
}

/// Returns the options to connect to the cluster whose socket is in `socket_dir`.
pub fn superuser_at(socket_dir: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host(&socket_dir.to_string_lossy())
        .username("postgres")
        .database("postgres")
}

/// Creates roles and schemas and applies all pending migrations.
pub async fn migrate(
    environment: &Environment,
    admin: &PgConnectOptions,
    secret: &str,
    clock: &Clock,
) -> anyhow::Result<()> {
    let mut connection = admin.connect().await.context("the database cannot be reached")?;
    for schema in SCHEMAS {
        schema.reject_other_versions(&mut connection).await?;
    }
    let names = SCHEMAS.map(|schema| schema.name);
    let may_make_roles = kit_db::bootstrap(&mut connection, secret, &names).await?;
    let own =
        |name: &str| environment.get(&format!("{}_OWNER_DATABASE_URL", name.to_ascii_uppercase())).is_some();
    ensure!(
        may_make_roles
            || environment.deployment_environment() != DeploymentEnvironment::Production
            || names.iter().all(|name| own(name)),
        "the database role must be allowed to create roles; grant it CREATEROLE, \
         or set <SERVICE>_OWNER_DATABASE_URL of each service"
    );
    if !may_make_roles {
        tracing::warn!("the database role cannot create roles; all services share it without isolation");
        for name in names {
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("create schema if not exists {name}")))
                .execute(&mut connection)
                .await?;
        }
    }
    for schema in SCHEMAS {
        let owner = owner(environment, admin, secret, schema.name).await?;
        schema.migrate(&owner, clock.now()).await.with_context(|| format!("schema {}", schema.name))?;
    }
    Ok(())
}

/// Returns the connection options of the role that may change a schema.
/// It is `<SERVICE>_OWNER_DATABASE_URL`, else the role that was created for the schema, else
/// `admin`.
pub async fn owner(
    environment: &Environment,
    admin: &PgConnectOptions,
    secret: &str,
    schema: &str,
) -> anyhow::Result<PgConnectOptions> {
    let variable = format!("{}_OWNER_DATABASE_URL", schema.to_ascii_uppercase());
    if let Some(own) = environment.parse_optional::<PgConnectOptions>(&variable) {
        return Ok(own);
    }
    let role = owner_role(schema);
    let mut connection = admin.connect().await.context("the database cannot be reached")?;
    let role_exists: bool = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)")
        .bind(&role)
        .fetch_one(&mut connection)
        .await?;
    Ok(if role_exists {
        admin.clone().username(&role).password(&role_password(secret, &role))
    } else {
        admin.clone()
    })
}
