//! Provides databases, services, users, certificates and servers for tests.
//!
//! Each test process has a private cluster, in memory if the machine allows it. Each test has a
//! database, cloned from a migrated template.

#![warn(missing_docs)]

mod authority;
mod event_log;
mod personal_data;
mod service;
pub mod smtp;

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use embedded_postgres::{Options, Server};
use kit_core::clock::Clock;
use kit_db::{PoolConfig, Schema, app_role, owner_role};
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::Mutex;

pub use authority::{CertificateAuthority, IssuedCertificate};
pub use event_log::FakeEventLog;
pub use personal_data::find_undeclared;
pub use service::{TestService, TestUser, deps, token_verifier};

/// The cluster of this process, which is never dropped.
/// The cluster's supervisor detects the end of this process, stops the server and deletes its
/// folder.
static CLUSTER: LazyLock<Server> = LazyLock::new(|| start_cluster().expect("PostgreSQL starts"));
static TEMPLATES: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Starts a cluster for one test, which is deleted when the test process ends.
///
/// # Errors
/// If PostgreSQL cannot be started.
pub fn start_cluster() -> Result<Server, embedded_postgres::Error> {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    start_in(&base, &["fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=300"])
}

/// Starts such a cluster on disk, where a crash loses no committed data.
///
/// # Errors
/// If PostgreSQL cannot be started.
pub fn start_durable_cluster() -> Result<Server, embedded_postgres::Error> {
    start_in(&std::env::temp_dir(), &["max_connections=300"])
}

fn start_in(base: &Path, settings: &[&str]) -> Result<Server, embedded_postgres::Error> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = base.join(format!("fintrac-test-{}-{number}", std::process::id()));
    let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
    Server::start(&Options { dir, settings, temporary: true })
}

/// Returns the options to connect to `server` as its superuser.
pub fn superuser(server: &Server) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host(&server.socket_dir().to_string_lossy())
        .username("postgres")
        .database("postgres")
}

/// A migrated database with the given schemas, and with roles as in production.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    /// Options to connect as the superuser.
    pub admin: PgConnectOptions,
}

impl TestDatabase {
    /// Creates a database with `schemas`.
    ///
    /// # Panics
    /// If the database cannot be created.
    pub async fn new(schemas: &[&Schema], clock: &Clock) -> Self {
        let admin = superuser(&CLUSTER);
        let key = schemas.iter().map(|schema| schema.name).collect::<Vec<_>>().join("_");
        let month = clock.now().format("%Y%m");
        let mut templates = TEMPLATES.lock().await;
        let mut connection = admin.connect().await.expect("the test cluster responds");
        let template = format!("template_{key}_{month}");
        if !templates.contains_key(&template) {
            create(&mut connection, &template, None).await;
            migrate(&admin.clone().database(&template), schemas, clock).await;
            templates.insert(template.clone(), template.clone());
        }
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        create(&mut connection, &name, Some(&template)).await;
        Self { admin: admin.database(&name) }
    }

    /// Returns the options to connect as the application role of `schema`.
    pub fn app(&self, schema: &str) -> PgConnectOptions {
        self.admin.clone().username(&app_role(schema))
    }

    /// Creates a pool of the application role and opens its event log.
    ///
    /// # Panics
    /// If the schema does not exist.
    pub async fn pool(&self, schema: &Schema, clock: &Clock) -> PgPool {
        let pool = kit_db::pool(&self.app(schema.name), schema.name, PoolConfig::default());
        kit_service::module::open_schema(schema, &pool, clock).await.expect("the schema is current");
        pool
    }

    /// Connects as the superuser.
    ///
    /// # Panics
    /// If the cluster does not respond.
    pub async fn connect(&self) -> PgConnection {
        self.admin.connect().await.expect("the test cluster responds")
    }
}

async fn create(connection: &mut PgConnection, name: &str, template: Option<&str>) {
    let clause =
        template.map(|template| format!(" template {template} strategy file_copy")).unwrap_or_default();
    let sql = format!("create database {name}{clause}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.expect("create database");
}

/// Creates the roles and migrates `schemas` in the database of `admin`.
///
/// # Panics
/// If the roles or a schema cannot be created.
pub async fn migrate(admin: &PgConnectOptions, schemas: &[&Schema], clock: &Clock) {
    let mut connection = admin.connect().await.expect("the test cluster responds");
    let names: Vec<_> = schemas.iter().map(|schema| schema.name).collect();
    assert!(
        kit_db::bootstrap(&mut connection, "a secret for tests", &names).await.expect("roles are created")
    );
    for schema in schemas {
        let owner = admin.clone().username(&owner_role(schema.name));
        schema.migrate(&owner, clock.now()).await.expect("the schema migrates");
    }
    connection.close().await.expect("close");
}
