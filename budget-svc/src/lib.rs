//! budget-svc owns intentions: budgets and goals, their alerts and
//! contributions. It holds no copy of the ledger: what was spent is asked.
//!
//! Invariants: the periods of a budget follow each other without gap or
//! overlap; an alert fires once for each budget, period, threshold and limit in
//! force; a goal's amount is the sum of its contributions that are done, and
//! one that moves money is done exactly when its transfer stands.
//!
//! Where to put things: a rule without I/O in `domain/`, a use case in
//! `service/` (one file each), SQL in `store/`, the wire form in `rpc/`.

mod domain;
mod error;
mod rpc;
mod service;
mod store;

use std::sync::Arc;

use chrono::TimeDelta;
use fintrac_kit::database::Schema;
use fintrac_kit::erasure::{self, FollowErasures};
use fintrac_kit::events::{Bell, Consumer};
use fintrac_kit::jobs::{Queue, leased};
use fintrac_kit::module::{Deps, Module};
use fintrac_kit::process::Process;
use fintrac_kit::transport::Transport;

use service::{FinishContributions, FollowLedger, LookAtBudgets, Planning};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `budget` and what the serving role may do in it.
pub const SCHEMA: Schema = Schema {
    name: "budget",
    migrator: &MIGRATOR,
    grants: &[
        ("budgets", "select, insert, update"),
        ("budget_terms", "select, insert, update"),
        ("category_reference_updates", "select, insert, update, delete"),
        ("alerts", "select, insert"),
        ("looks", "select, insert, update, delete"),
        ("goals", "select, insert, update"),
        ("milestones", "select, insert, delete"),
        ("contributions", "select, insert, update"),
        ("reminders", "select, insert"),
    ],
};

/// Parts of the suite that may read the budgets' event log.
const READERS: &[&str] = &["notify"];

/// Households looked at, and contributions finished, at once.
const LOOKERS: usize = 4;
const FINISHERS: usize = 4;

/// Its queues, as operators see them.
pub const QUEUES: [Queue; 2] = [
    Queue {
        name: "budget-looks",
        sql: "select count(*), count(*) filter (where leased_until > $1), min(due_at),
                  count(*) filter (where failures > 0)
              from budget.looks",
    },
    Queue {
        name: "goal-transfers",
        sql: "select count(*), count(*) filter (where leased_until > $1), min(due_at),
                  count(*) filter (where failures > 0)
              from budget.contributions where due_at is not null",
    },
];

/// Builds the service; `auth` tells about households, `ledger` about money.
pub fn build(deps: &Deps, auth: Transport, ledger: Transport) -> Module {
    let mut module = Module::new(SCHEMA.name, deps, READERS, &QUEUES);
    let (looks, transfers) = (Bell::default(), Bell::default());
    let erasures = Bell::default();
    let consumer = Consumer {
        source: "auth",
        log: auth.clone(),
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: FollowErasures { clock: deps.clock.clone(), erasures: erasures.clone() },
    };
    module.add_worker(|shutdown| consumer.run(shutdown));
    erasure::add_worker(&mut module, deps, erasures);
    let planning = Arc::new(Planning::new(deps, auth, ledger.clone(), looks.clone()));
    module.routes = rpc::routes(module.routes, &planning);
    let consumer = Consumer {
        source: "ledger",
        log: ledger,
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: FollowLedger { planning: Arc::clone(&planning), transfers: transfers.clone() },
    };
    module.add_worker(|shutdown| consumer.run(shutdown));
    let looker = LookAtBudgets(Arc::clone(&planning));
    module.add_worker(|shutdown| leased::run(looker, looks, LOOKERS, shutdown));
    let finisher = FinishContributions(Arc::clone(&planning));
    module.add_worker(|shutdown| leased::run(finisher, transfers, FINISHERS, shutdown));
    let reminding = Arc::clone(&planning);
    module.add_job(deps, "goal-reminders", TimeDelta::hours(1), move |pool| {
        let planning = Arc::clone(&reminding);
        async move { Ok(service::look_at_due_goals(&planning, &pool).await?) }
    });
    let referencing = Arc::clone(&planning);
    module.add_job(deps, "category-references", TimeDelta::minutes(1), move |_| {
        let planning = Arc::clone(&referencing);
        async move { Ok(service::complete_reference_updates(&planning).await?) }
    });
    module.add_job(deps, "budget-check", TimeDelta::days(1), move |pool| {
        let planning = Arc::clone(&planning);
        async move { Ok(service::look_at_all(&planning, &pool).await?) }
    });
    module
}

/// budget-svc as a process of its own, until a signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let auth = process.peer("auth")?;
    let ledger = process.peer("ledger")?;
    let deps = process.deps(&SCHEMA).await?;
    process.serve(build(&deps, auth.clone(), ledger), Some(auth)).await
}
