//! budget-svc owns intentions: budgets and goals, their alerts and
//! contributions. It holds no copy of the ledger.
//!
//! So far it has its schema, its event log and its health; budgets come on
//! top of these.

use fintrac_kit::database::Schema;
use fintrac_kit::module::{Deps, Module};
use fintrac_kit::process::Process;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `budget` and what the serving role may do in it.
pub const SCHEMA: Schema = Schema { name: "budget", migrator: &MIGRATOR, grants: &[] };

/// Parts of the suite that may read the budgets' event log.
const READERS: &[&str] = &["notify"];

/// Builds the service.
pub fn build(deps: &Deps) -> Module {
    Module::new(SCHEMA.name, deps, READERS)
}

/// budget-svc as a process of its own, until a signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let auth = process.peer("auth")?;
    let deps = process.deps(&SCHEMA).await?;
    process.serve(build(&deps), Some(auth)).await
}
