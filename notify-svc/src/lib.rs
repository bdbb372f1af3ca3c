//! notify-svc sends emails and stores the inbox, audit log and live events.
//!
//! All of them derive from the events of the other services.
//!
//! Invariants:
//!
//! * There is at most one notification and one email per event and user.
//! * An email is sent again only if its delivery is uncertain, with the same Message-ID.
//! * Secrets are read from auth-svc when an email is sent, and never stored.
//! * auth-svc decides which users receive which kinds.
//!
//! Where to put things: notifications for one user belong in `service/auth_events.rs`,
//! notifications for a household in `service/budget_events.rs` and
//! `service/ledger_events.rs`, texts in `locales/`, their layout in `render/`, transports
//! in `delivery/`.

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

use fintrac_kit::database::Schema;
use fintrac_kit::erasure;
use fintrac_kit::events::{Consumer, WakeSignal};
use fintrac_kit::jobs::{Queue, leased};
use fintrac_kit::module::{ServiceDependencies, ServiceModule};
use fintrac_kit::process::Process;
use fintrac_kit::transport::Transport;

pub use config::{Config, EmailConfig, EmailRoute};
use delivery::Delivery;
pub use delivery::DeliveryError;
use service::{
    AuditLog, AuthEventHandler, BudgetEventHandler, EmailSender, Inbox, LedgerEventHandler, LiveEvents,
    MonthlyReportJob, MonthlyReports, NotificationDispatcher, Reports, WakeSignals,
};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `notify` and the privileges of the application role.
pub const SCHEMA: Schema = Schema {
    name: "notify",
    migrator: &MIGRATOR,
    grants: &[
        ("emails", "select, insert, update"),
        ("notifications", "select, insert, update"),
        ("audit_log", "select, insert"),
        ("live_event_sequences", "select, insert, update"),
        ("live_events", "select, insert, delete"),
        ("reports", "select, insert, update"),
    ],
};

/// The queues, with the query that measures each of them.
pub const QUEUES: [Queue; 2] = [
    Queue {
        name: "emails",
        sql: "select count(*) filter (where state = 'pending'), count(*) filter (where leased_until > $1),
              min(due_at) filter (where state = 'pending'), count(*) filter (where state = 'failed')
          from notify.emails where state in ('pending', 'failed')",
    },
    Queue {
        name: "report-notifications",
        sql: "select count(*), count(*) filter (where leased_until > $1), min(due_at),
              count(*) filter (where failures > 0)
          from notify.reports where due_at is not null",
    },
];

/// The number of emails that are sent concurrently.
const MAX_CONCURRENT_EMAILS: usize = 4;
/// The number of reports that are processed concurrently.
const MAX_CONCURRENT_REPORTS: usize = 2;

/// Builds the service on event logs and notification data of other services.
pub fn build(
    config: &Config,
    deps: &ServiceDependencies,
    auth: Transport,
    ledger: Transport,
    budget: Transport,
) -> Result<ServiceModule, DeliveryError> {
    let mut module = ServiceModule::new(SCHEMA.name, deps, &[], &QUEUES);
    let (wake_signals, erasure_signal) = (WakeSignals::default(), WakeSignal::default());
    let reports = Reports::new(ledger.clone(), budget.clone());
    let live_events = LiveEvents::new(deps, wake_signals.live_events.clone());
    module.routes = rpc::routes(
        module.routes,
        Inbox::new(deps, wake_signals.live_events.clone()),
        live_events.clone(),
        reports.clone(),
        deps,
    );
    module.add_job(deps, "live-events-clean-up", TimeDelta::hours(1), move |_pool| {
        let live_events = live_events.clone();
        async move { Ok(live_events.purge().await?) }
    });
    let consumer = Consumer {
        source: "auth",
        log: auth.clone(),
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: AuditLog {
            service: "auth",
            inner: AuthEventHandler::new(
                deps,
                NotificationDispatcher::new(deps, auth.clone(), wake_signals.clone()),
                erasure_signal.clone(),
            ),
        },
    };
    module.add_background_task(|shutdown| consumer.run(shutdown));
    erasure::add_worker(&mut module, deps, erasure_signal);
    let handler = LedgerEventHandler::new(
        NotificationDispatcher::new(deps, auth.clone(), wake_signals.clone()),
        ledger.clone(),
    );
    let consumer = Consumer {
        source: "ledger",
        log: ledger,
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: AuditLog { service: "ledger", inner: handler },
    };
    module.add_background_task(|shutdown| consumer.run(shutdown));
    let handler = BudgetEventHandler::new(
        NotificationDispatcher::new(deps, auth.clone(), wake_signals.clone()),
        budget.clone(),
    );
    let consumer = Consumer {
        source: "budget",
        log: budget,
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: AuditLog { service: "budget", inner: handler },
    };
    module.add_background_task(|shutdown| consumer.run(shutdown));
    let delivery = Arc::new(Delivery::open(&config.email)?);
    let sender = EmailSender::new(config, deps, auth.clone(), delivery, reports.clone());
    let due = WakeSignal::default();
    let dispatcher = NotificationDispatcher::new(deps, auth, wake_signals.clone());
    let monthly = Arc::new(MonthlyReports::new(deps, dispatcher, reports, due.clone()));
    let job = MonthlyReportJob(Arc::clone(&monthly));
    module.add_background_task(|shutdown| leased::run(job, due, MAX_CONCURRENT_REPORTS, shutdown));
    module.add_job(deps, "monthly-reports", TimeDelta::hours(1), move |_pool| {
        let monthly = Arc::clone(&monthly);
        async move { monthly.schedule().await }
    });
    module.add_background_task(|shutdown| {
        leased::run(sender, wake_signals.emails, MAX_CONCURRENT_EMAILS, shutdown)
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
    let deps = process.deps(&SCHEMA).await?;
    let module = build(&config, &deps, auth.clone(), ledger, budget)?;
    tracing::info!("email delivery: {}", config.email.route);
    process.serve(module, Some(auth)).await
}

pub use store::emails::FailedEmail;

/// Lists the emails that were given up, newest first, at most 1,000.
pub async fn failed_emails(pool: &sqlx::PgPool) -> Result<Vec<FailedEmail>, sqlx::Error> {
    store::emails::list_failed(&mut *pool.acquire().await?).await
}

/// Queues emails that were given up for new attempts and returns their number.
///
/// All of them are queued if `ids` is empty.
pub async fn retry_emails(
    pool: &sqlx::PgPool,
    ids: &[uuid::Uuid],
    now: chrono::DateTime<chrono::Utc>,
) -> Result<u64, sqlx::Error> {
    store::emails::retry_failed(&mut *pool.acquire().await?, ids, now).await
}
