//! ledger-svc owns money: currencies and rates, accounts, categories and
//! transactions, on double entry.
//!
//! So far it has its schema, its event log and its health; the posting engine
//! comes on top of these.

use fintrac_kit::database::Schema;
use fintrac_kit::module::{Deps, Module};
use fintrac_kit::process::Process;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `ledger` and what the serving role may do in it.
pub const SCHEMA: Schema = Schema { name: "ledger", migrator: &MIGRATOR, grants: &[] };

/// Parts of the suite that may read the ledger's event log.
const READERS: &[&str] = &["budget", "notify"];

/// Builds the service.
pub fn build(deps: &Deps) -> Module {
    Module::new(SCHEMA.name, deps, READERS)
}

/// ledger-svc as a process of its own, until a signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let auth = process.peer("auth")?;
    let deps = process.deps(&SCHEMA).await?;
    process.serve(build(&deps), Some(auth)).await
}
