//! notify-svc sends emails and stores the inbox and every change of the system.
//!
//! All of them derive from the events of the other services. The audit log and the live events are
//! two views of the stored changes.
//!
//! Invariants:
//!
//! * There is one change per event, and at most one notification and one email per user.
//! * The live events of a household are numbered without gap and become visible in order.
//! * An email is sent again only if its delivery is uncertain, with the same Message-ID.
//! * Secrets are read from auth-svc when an email is sent, and never stored.
//! * auth-svc decides which users receive which kinds.
//!
//! Where to put things: notifications for one user belong in `service/auth_events.rs`,
//! notifications for a household in `service/budget_events.rs` and
//! `service/ledger_events.rs`, texts in `locales/`, their layout in `render/`, transports
//! in `delivery/`. The kinds are in `proto/`: `notification_kind.proto`.

mod config;
mod delivery;
mod domain;
mod error;
mod render;
mod rpc;
mod service;
mod store;

use std::sync::Arc;

use chrono::TimeDelta;

use kit_core::wake_signal::WakeSignal;
use kit_db::Schema;
use kit_process::Process;
use kit_rpc::transport::Transport;
use kit_service::erasure::{ERASURES, ErasureWorker};
use kit_service::export::Exports;
use kit_service::module::{ServiceDependencies, ServiceModule};
use kit_service::startup;

pub use config::{Config, EmailConfig, EmailRoute};
use delivery::Delivery;
pub use delivery::DeliveryError;
use service::{
    AuthEventHandler, BudgetEventHandler, EmailSender, Inbox, LedgerEventHandler, LiveEvents,
    MonthlyReportJob, MonthlyReports, NotificationDispatcher, Reports,
};
use store::emails::EMAILS;
use store::reports::REPORT_NOTIFICATIONS;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `notify` and the privileges of the application role.
pub const SCHEMA: Schema = Schema {
    name: "notify",
    migrator: &MIGRATOR,
    grants: &[
        ("emails", "select, insert, update"),
        ("notifications", "select, insert, update"),
        ("changes", "select, insert"),
        ("live_event_sequences", "select, insert, update"),
        ("reports", "select, insert, update"),
    ],
    personal_data: &store::personal_data::PERSONAL_DATA,
};

/// The queues whose state `fintrac jobs` lists.
pub const QUEUES: [&str; 3] = [EMAILS.name, REPORT_NOTIFICATIONS.name, ERASURES.name];

/// Builds the service on event logs and notification data of other services.
pub fn build(
    config: &Config,
    deps: &ServiceDependencies,
    auth: Transport,
    ledger: Transport,
    budget: Transport,
) -> Result<ServiceModule, DeliveryError> {
    let mut module = ServiceModule::new(SCHEMA.name, deps, &[], &QUEUES);
    let live_event_signal = WakeSignal::default();
    let reports = Reports::new(ledger.clone(), budget.clone());
    let live_events = LiveEvents::new(deps, live_event_signal.clone());
    let inbox = Inbox::new(deps, live_event_signal.clone());
    module.routes = rpc::routes(module.routes, inbox, live_events, reports.clone());
    module.add_exports(Exports::new(deps, &SCHEMA, |_, row| Ok(row)));
    let dispatcher = || NotificationDispatcher::new(deps, auth.clone(), live_event_signal.clone());
    module.add_consumer(deps, "auth", auth.clone(), AuthEventHandler::new(deps, dispatcher()));
    module.add_consumer(deps, "ledger", ledger.clone(), LedgerEventHandler::new(dispatcher(), ledger));
    module.add_consumer(deps, "budget", budget.clone(), BudgetEventHandler::new(dispatcher(), budget));
    module.add_worker(ErasureWorker::new(SCHEMA.name, deps));
    let delivery = Arc::new(Delivery::open(&config.email)?);
    let monthly = Arc::new(MonthlyReports::new(deps, dispatcher(), reports.clone()));
    module.add_worker(EmailSender::new(config, deps, auth, delivery, reports));
    module.add_worker(MonthlyReportJob(Arc::clone(&monthly)));
    module.add_job("monthly-reports", TimeDelta::hours(1), move |_pool| {
        let monthly = Arc::clone(&monthly);
        async move { monthly.schedule().await }
    });
    Ok(module)
}

/// Runs notify-svc in its own process until it receives a signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let config = Config::from_environment(&process.environment);
    let auth = process.peer("auth")?;
    let ledger = process.peer("ledger")?;
    let budget = process.peer("budget")?;
    let deps = startup::connect(&process, &SCHEMA).await?;
    let module = build(&config, &deps, auth.clone(), ledger, budget)?;
    tracing::info!("email delivery: {}", config.email.route);
    startup::serve(process, module, Some(auth)).await
}
