//! The service of budgets and goals, with their alerts and contributions.
//!
//! It stores no copy of the ledger: it calls the ledger for spending.
//!
//! Invariants: the periods of a budget follow each other without gap or overlap; an alert fires
//! once for each budget, period, threshold and limit in force; a goal's current amount is the sum
//! of its contributions in state done; a contribution that moves money is done exactly while its
//! transfer is posted.
//!
//! Structure: rules without I/O in `domain/`, use cases in `service/` (one file each), SQL in
//! `store/`, the wire format in `rpc/`.

mod domain;
mod error;
mod rpc;
mod service;
mod store;

use std::sync::Arc;

use chrono::TimeDelta;
use fintrac_kit::database::Schema;
use fintrac_kit::erasure::{self, ErasureEventHandler};
use fintrac_kit::events::{Consumer, WakeSignal};
use fintrac_kit::jobs::{Queue, leased};
use fintrac_kit::module::{ServiceDependencies, ServiceModule};
use fintrac_kit::process::Process;
use fintrac_kit::transport::Transport;

use service::{BudgetEvaluator, BudgetUseCases, ContributionFinisher, LedgerEventHandler};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `budget` and the privileges of the application role.
pub const SCHEMA: Schema = Schema {
    name: "budget",
    migrator: &MIGRATOR,
    grants: &[
        ("budgets", "select, insert, update"),
        ("budget_terms", "select, insert, update"),
        ("category_reference_updates", "select, insert, update, delete"),
        ("alerts", "select, insert"),
        ("budget_evaluations", "select, insert, update, delete"),
        ("goals", "select, insert, update"),
        ("milestones", "select, insert, delete"),
        ("contributions", "select, insert, update"),
        ("reminders", "select, insert"),
    ],
};

/// The services that may read the event log of budget-svc.
const EVENT_LOG_READERS: &[&str] = &["notify"];

/// The maximum number of households that are evaluated at once.
const MAX_CONCURRENT_EVALUATIONS: usize = 4;
/// The maximum number of contributions that are finished at once.
const MAX_CONCURRENT_CONTRIBUTIONS: usize = 4;

/// The queues that `fintrac jobs` lists.
pub const QUEUES: [Queue; 2] = [
    Queue {
        name: "budget-evaluations",
        sql: "select count(*), count(*) filter (where leased_until > $1), min(due_at),
                  count(*) filter (where failures > 0)
              from budget.budget_evaluations",
    },
    Queue {
        name: "goal-transfers",
        sql: "select count(*), count(*) filter (where leased_until > $1), min(due_at),
                  count(*) filter (where failures > 0)
              from budget.contributions where due_at is not null",
    },
];

/// Builds the service.
/// `auth` serves households and users' preferences, `ledger` spending and transfers.
pub fn build(deps: &ServiceDependencies, auth: Transport, ledger: Transport) -> ServiceModule {
    let mut module = ServiceModule::new(SCHEMA.name, deps, EVENT_LOG_READERS, &QUEUES);
    let (evaluation_signal, contribution_signal) = (WakeSignal::default(), WakeSignal::default());
    let erasure_signal = WakeSignal::default();
    let consumer = Consumer {
        source: "auth",
        log: auth.clone(),
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: ErasureEventHandler { clock: deps.clock.clone(), erasure_signal: erasure_signal.clone() },
    };
    module.add_background_task(|shutdown| consumer.run(shutdown));
    erasure::add_worker(&mut module, deps, erasure_signal);
    let use_cases = Arc::new(BudgetUseCases::new(deps, auth, ledger.clone(), evaluation_signal.clone()));
    module.routes = rpc::routes(module.routes, &use_cases);
    let consumer = Consumer {
        source: "ledger",
        log: ledger,
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: LedgerEventHandler {
            use_cases: Arc::clone(&use_cases),
            contribution_signal: contribution_signal.clone(),
        },
    };
    module.add_background_task(|shutdown| consumer.run(shutdown));
    let evaluator = BudgetEvaluator(Arc::clone(&use_cases));
    module.add_background_task(|shutdown| {
        leased::run(evaluator, evaluation_signal, MAX_CONCURRENT_EVALUATIONS, shutdown)
    });
    let finisher = ContributionFinisher(Arc::clone(&use_cases));
    module.add_background_task(|shutdown| {
        leased::run(finisher, contribution_signal, MAX_CONCURRENT_CONTRIBUTIONS, shutdown)
    });
    let reminder_use_cases = Arc::clone(&use_cases);
    module.add_job(deps, "goal-reminders", TimeDelta::hours(1), move |pool| {
        let use_cases = Arc::clone(&reminder_use_cases);
        async move { Ok(service::request_due_goal_evaluations(&use_cases, &pool).await?) }
    });
    let reference_use_cases = Arc::clone(&use_cases);
    module.add_job(deps, "category-references", TimeDelta::minutes(1), move |_| {
        let use_cases = Arc::clone(&reference_use_cases);
        async move { Ok(service::complete_reference_updates(&use_cases).await?) }
    });
    module.add_job(deps, "budget-check", TimeDelta::days(1), move |pool| {
        let use_cases = Arc::clone(&use_cases);
        async move { Ok(service::request_all_evaluations(&use_cases, &pool).await?) }
    });
    module
}

/// Runs budget-svc as its own process until a shutdown signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let auth = process.peer("auth")?;
    let ledger = process.peer("ledger")?;
    let deps = process.deps(&SCHEMA).await?;
    process.serve(build(&deps, auth.clone(), ledger), Some(auth)).await
}
