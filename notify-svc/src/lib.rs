//! notify-svc owns the suite's voice and memory: mails, the inbox, the audit
//! trail, and the live feed on top of the same events.
//!
//! Invariants: one notification and one mail an event and user; a mail is sent
//! again only when it is not known whether it went out, and then with the same
//! Message-ID; secrets are asked of auth-svc when a mail is sent and stored
//! nowhere; who wants to hear of what is auth-svc's to know.
//!
//! Where to put things: which event is told to a user in
//! `service/tell_user.rs`, which to a household in `service/tell_household.rs`
//! and `service/tell_of_money.rs`, texts in `locales/`, their shape in
//! `render/`, ways out in `delivery/`.

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
use fintrac_kit::events::{Bell, Consumer};
use fintrac_kit::jobs::{Queue, leased};
use fintrac_kit::module::{Deps, Module};
use fintrac_kit::process::Process;
use fintrac_kit::transport::Transport;

pub use config::{Config, MailConfig, MailRoute};
use delivery::Delivery;
pub use delivery::DeliveryError;
use service::{
    Bells, Feed, Inbox, KeepActivity, MonthlyReports, Reports, SendMail, TellHousehold, TellOfMoney,
    TellReports, TellUser, Teller,
};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `notify` and what the serving role may do in it.
pub const SCHEMA: Schema = Schema {
    name: "notify",
    migrator: &MIGRATOR,
    grants: &[
        ("mails", "select, insert, update"),
        ("notifications", "select, insert, update"),
        ("activity", "select, insert"),
        ("feed_heads", "select, insert, update"),
        ("feed", "select, insert, delete"),
        ("reports", "select, insert, update"),
    ],
};

/// Its queues, as operators see them.
pub const QUEUES: [Queue; 2] = [
    Queue {
        name: "mails",
        sql: "select count(*) filter (where state = 'pending'), count(*) filter (where leased_until > $1),
              min(due_at) filter (where state = 'pending'), count(*) filter (where state = 'dead')
          from notify.mails where state in ('pending', 'dead')",
    },
    Queue {
        name: "report-tellings",
        sql: "select count(*), count(*) filter (where leased_until > $1), min(due_at),
              count(*) filter (where failures > 0)
          from notify.reports where due_at is not null",
    },
];

/// Mails on their way at once.
const SENDERS: usize = 4;
/// Reports told at once.
const TELLERS: usize = 2;

/// Builds the service on the event logs of the other parts, and the facts of
/// `auth` and `budget`.
pub fn build(
    config: &Config,
    deps: &Deps,
    auth: Transport,
    ledger: Transport,
    budget: Transport,
) -> Result<Module, DeliveryError> {
    let mut module = Module::new(SCHEMA.name, deps, &[], &QUEUES);
    let (bells, erasures) = (Bells::default(), Bell::default());
    let reports = Reports::new(ledger.clone(), budget.clone());
    let feed = Feed::new(deps, bells.feed.clone());
    module.routes =
        rpc::routes(module.routes, Inbox::new(deps, bells.feed.clone()), feed.clone(), reports.clone(), deps);
    module.add_job(deps, "feed-clean-up", TimeDelta::hours(1), move |_pool| {
        let feed = feed.clone();
        async move { Ok(feed.purge().await?) }
    });
    let consumer = Consumer {
        source: "auth",
        log: auth.clone(),
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: KeepActivity {
            part: "auth",
            other: TellUser::new(deps, Teller::new(deps, auth.clone(), bells.clone()), erasures.clone()),
        },
    };
    module.add_worker(|shutdown| consumer.run(shutdown));
    erasure::add_worker(&mut module, deps, erasures);
    let telling = TellOfMoney::new(Teller::new(deps, auth.clone(), bells.clone()), ledger.clone());
    let consumer = Consumer {
        source: "ledger",
        log: ledger,
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: KeepActivity { part: "ledger", other: telling },
    };
    module.add_worker(|shutdown| consumer.run(shutdown));
    let telling = TellHousehold::new(Teller::new(deps, auth.clone(), bells.clone()), budget.clone());
    let consumer = Consumer {
        source: "budget",
        log: budget,
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: KeepActivity { part: "budget", other: telling },
    };
    module.add_worker(|shutdown| consumer.run(shutdown));
    let delivery = Arc::new(Delivery::open(&config.mail)?);
    let sender = SendMail::new(config, deps, auth.clone(), delivery, reports.clone());
    let due = Bell::default();
    let teller = Teller::new(deps, auth, bells.clone());
    let monthly = Arc::new(MonthlyReports::new(deps, teller, reports, due.clone()));
    let telling = TellReports(Arc::clone(&monthly));
    module.add_worker(|shutdown| leased::run(telling, due, TELLERS, shutdown));
    module.add_job(deps, "monthly-reports", TimeDelta::hours(1), move |_pool| {
        let monthly = Arc::clone(&monthly);
        async move { monthly.note().await }
    });
    module.add_worker(|shutdown| leased::run(sender, bells.mails, SENDERS, shutdown));
    Ok(module)
}

/// notify-svc as a process of its own, until a signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let config = Config::from_environment(&process.environment);
    let auth = process.peer("auth")?;
    let ledger = process.peer("ledger")?;
    let budget = process.peer("budget")?;
    let deps = process.deps(&SCHEMA).await?;
    let module = build(&config, &deps, auth.clone(), ledger, budget)?;
    tracing::info!("mails {}", config.mail.route);
    process.serve(module, Some(auth)).await
}

/// A mail that was given up.
pub use store::mails::DeadMail;

/// The mails that were given up, newest first, at most 1,000.
pub async fn dead_mails(pool: &sqlx::PgPool) -> Result<Vec<DeadMail>, sqlx::Error> {
    store::mails::dead(&mut *pool.acquire().await?).await
}

/// Sends mails that were given up once more, from the first try on; all of them
/// without ids. How many there were.
pub async fn retry_mails(
    pool: &sqlx::PgPool,
    ids: &[uuid::Uuid],
    now: chrono::DateTime<chrono::Utc>,
) -> Result<u64, sqlx::Error> {
    store::mails::revive(&mut *pool.acquire().await?, ids, now).await
}
