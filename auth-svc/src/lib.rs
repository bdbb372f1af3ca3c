//! auth-svc owns users, households, credentials and sessions.
//! It gives every other service what it needs to verify access tokens.
//!
//! Invariants: secrets are stored hashed or encrypted only; the family of refresh tokens of a
//! session has at most one live branch; every service rejects the tokens of an ended session within
//! a second.
//!
//! Code layout: a rule without I/O is in `domain/`, a use case in `service/` (one file each), SQL
//! in `store/`, the conversion to and from protocol buffers in `rpc/`.

mod config;
mod domain;
mod error;
mod rpc;
mod service;
mod store;

use std::sync::Arc;

use chrono::TimeDelta;
use kit_db::Schema;
use kit_process::Process;
use kit_service::erasure::{ERASURES, ErasureWorker};
use kit_service::export::Exports;
use kit_service::module::{ServiceDependencies, ServiceModule};
use kit_service::startup;

pub use config::Config;
pub use error::StartError;
use service::IdentityUseCases;
pub use service::{AdminCreated, Operator, OperatorError};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `auth` and the privileges of the application role.
pub const SCHEMA: Schema = Schema {
    name: "auth",
    migrator: &MIGRATOR,
    grants: &[
        ("users", "select, insert, update"),
        ("preferences", "select, insert, update"),
        ("notification_channels", "select, insert, update"),
        ("households", "select, insert, update"),
        ("memberships", "select, insert"),
        ("roles", "select, insert, update, delete"),
        ("user_roles", "select, insert, delete"),
        ("devices", "select, insert, update, delete"),
        ("totp", "select, insert, update, delete"),
        ("recovery_codes", "select, insert, update, delete"),
        ("ip_rules", "select, insert, delete"),
        ("challenges", "select, insert, update, delete"),
        ("sessions", "select, insert, update, delete"),
        ("refresh_tokens", "select, insert, update, delete"),
        ("revocations", "select, insert, delete"),
        ("signing_keys", "select, insert, update, delete"),
        ("throttles", "select, insert, update, delete"),
        ("security_events", "select, insert, delete"),
    ],
    personal_data: &store::personal_data::PERSONAL_DATA,
};

/// Services that may read auth's event log.
const EVENT_LOG_READERS: &[&str] = &["ledger", "budget", "notify"];

/// The queues whose state `fintrac jobs` lists.
pub const QUEUES: [&str; 1] = [ERASURES.name];

/// Builds the service and creates the first signing key if there is none.
pub async fn build(config: Config, deps: ServiceDependencies) -> Result<ServiceModule, StartError> {
    let mut module = ServiceModule::new(SCHEMA.name, &deps, EVENT_LOG_READERS, &QUEUES);
    let identity = Arc::new(IdentityUseCases::new(config, deps.clone()).await?);
    module.routes = rpc::routes(module.routes, &identity);
    let exporter = Arc::clone(&identity);
    module.add_exports(Exports::new(&deps, &SCHEMA, move |section, row| {
        exporter.complete_export(section, row)
    }));
    let publisher = Arc::clone(&identity);
    module.add_background_task(|shutdown| async move { publisher.publisher.run(shutdown).await });
    let recorder = Arc::clone(&identity);
    let token_verifier = Arc::clone(&deps.token_verifier);
    module.add_background_task(|shutdown| service::record_denied_calls(recorder, token_verifier, shutdown));
    module.add_worker(ErasureWorker::new(SCHEMA.name, &deps));
    let eraser = Arc::clone(&identity);
    module.add_job("account-erasure", TimeDelta::minutes(1), move |_pool| {
        let eraser = Arc::clone(&eraser);
        async move { Ok(eraser.erase_accounts().await?) }
    });
    module.add_job("identity-clean-up", TimeDelta::hours(1), move |pool| {
        let now = identity.clock.now();
        async move { Ok(store::cleanup::run(&mut *pool.acquire().await?, now).await?) }
    });
    Ok(module)
}

/// Runs auth-svc as its own process until a shutdown signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let config = Config::from_environment(&process.environment);
    let deps = startup::connect(&process, &SCHEMA).await?;
    let module = build(config, deps).await?;
    startup::serve(process, module, None).await
}
