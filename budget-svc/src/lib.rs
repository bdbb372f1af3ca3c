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
use kit_db::Schema;
use kit_events::NoHandler;
use kit_process::Process;
use kit_rpc::transport::Transport;
use kit_service::erasure::{ERASURES, ErasureWorker};
use kit_service::export::Exports;
use kit_service::module::{ServiceDependencies, ServiceModule};
use kit_service::startup;

use service::{
    BUDGET_EVALUATIONS, BudgetEvaluator, BudgetUseCases, ContributionFinisher, GOAL_TRANSFERS,
    LedgerEventHandler,
};

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
        ("goals", "select, insert, update"),
        ("milestones", "select, insert, delete"),
        ("contributions", "select, insert, update"),
        ("reminders", "select, insert"),
    ],
    personal_data: &store::personal_data::PERSONAL_DATA,
};

/// The services that may read the event log of budget-svc.
const EVENT_LOG_READERS: &[&str] = &["notify"];

/// The queues whose state `fintrac jobs` lists.
pub const QUEUES: [&str; 3] = [BUDGET_EVALUATIONS.name, GOAL_TRANSFERS.name, ERASURES.name];

/// Builds the service.
/// `auth` serves households and users' preferences, `ledger` spending and transfers.
pub fn build(deps: &ServiceDependencies, auth: Transport, ledger: Transport) -> ServiceModule {
    let mut module = ServiceModule::new(SCHEMA.name, deps, EVENT_LOG_READERS, &QUEUES);
    let use_cases = Arc::new(BudgetUseCases::new(deps, auth.clone(), ledger.clone()));
    module.routes = rpc::routes(module.routes, &use_cases);
    module.add_exports(Exports::new(deps, &SCHEMA, |_, row| {
        let mut row = serde_json::from_str(&row)?;
        fintrac_money::write_decimals(&mut row, store::personal_data::AMOUNTS);
        Ok(row.to_string())
    }));
    module.add_consumer(deps, "auth", auth, NoHandler);
    module.add_consumer(deps, "ledger", ledger, LedgerEventHandler(Arc::clone(&use_cases)));
    module.add_worker(ErasureWorker::new(SCHEMA.name, deps));
    module.add_worker(BudgetEvaluator(Arc::clone(&use_cases)));
    module.add_worker(ContributionFinisher(Arc::clone(&use_cases)));
    let reminder_use_cases = Arc::clone(&use_cases);
    module.add_job("goal-reminders", TimeDelta::hours(1), move |_pool| {
        let use_cases = Arc::clone(&reminder_use_cases);
        async move { Ok(service::request_due_goal_evaluations(&use_cases).await?) }
    });
    let reference_use_cases = Arc::clone(&use_cases);
    module.add_job("category-references", TimeDelta::minutes(1), move |_pool| {
        let use_cases = Arc::clone(&reference_use_cases);
        async move { Ok(service::complete_reference_updates(&use_cases).await?) }
    });
    module.add_job("budget-check", TimeDelta::days(1), move |_pool| {
        let use_cases = Arc::clone(&use_cases);
        async move { Ok(service::request_all_evaluations(&use_cases).await?) }
    });
    module
}

/// Runs budget-svc as its own process until a shutdown signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let auth = process.peer("auth")?;
    let ledger = process.peer("ledger")?;
    let deps = startup::connect(&process, &SCHEMA).await?;
    startup::serve(process, build(&deps, auth.clone(), ledger), Some(auth)).await
}
