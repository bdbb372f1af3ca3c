//! ledger-svc owns money: currencies and rates, accounts, categories and
//! transactions, on double entry.
//!
//! Invariants: money moves through `posting` only; per currency each revision
//! of a transaction sums to zero; a balance is the sum of its postings, a day's
//! change that of the day's; postings are never changed.
//!
//! Where to put things: a rule without I/O in `domain/`, a use case in
//! `service/` (one file each), SQL in `store/`, the wire form in `rpc/`.

mod config;
mod defaults;
mod domain;
mod error;
mod feed;
mod posting;
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

pub use config::{Config, FeedConfig};
pub use feed::{Feed, FeedError, Provider};
use posting::Posting;
use service::{FollowHouseholds, Ledger, PostOccurrences};
pub use service::{ImportError, fill_household_amounts, follow_feed, gather_words, import_ecb, verify};
pub use store::verification::Finding;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `ledger` and what the serving role may do in it. Postings are
/// append-only but for the household amount, which a trigger lets be filled once.
pub const SCHEMA: Schema = Schema {
    name: "ledger",
    migrator: &MIGRATOR,
    grants: &[
        ("households", "select, insert, update"),
        ("exchange_rates", "select, insert, update"),
        ("accounts", "select, insert, update"),
        ("categories", "select, insert, update"),
        ("category_references", "select, insert, update, delete"),
        ("category_referrers", "select, insert, update"),
        ("recurring", "select, insert, update"),
        ("nominal_accounts", "select, insert, update (merged_into)"),
        ("transactions", "select, insert, update"),
        ("splits", "select, insert, delete"),
        ("revisions", "select, insert"),
        ("postings", "select, insert, update (household_amount, household_rate, household_rate_day)"),
        ("daily_changes", "select, insert, update"),
    ],
};

/// Parts of the suite that may read the ledger's event log.
const READERS: &[&str] = &["budget", "notify"];

/// Recurring transactions that are posted at once.
const POSTERS: usize = 16;

/// How often the invariants are counted. Every posting is read.
const VERIFY: TimeDelta = TimeDelta::days(1);

/// Its queues, as operators see them.
pub const QUEUES: [Queue; 1] = [Queue {
    name: "recurring-transactions",
    sql:
        "select count(*) filter (where due_at <= $1), count(*) filter (where leased_until > $1), min(due_at),
              count(*) filter (where status = 'paused' and paused_reason is not null)
          from ledger.recurring where deleted_at is null",
}];

/// Builds the service; `auth` tells about households. Stores the bundled rates.
pub async fn build(config: &Config, deps: &Deps, auth: Transport) -> Result<Module, ImportError> {
    service::store_bundled(&deps.pool).await?;
    let mut module = Module::new(SCHEMA.name, deps, READERS, &QUEUES);
    let posting = Posting::start(config.lanes, deps, &mut module);
    let ledger = Arc::new(Ledger::new(deps, auth.clone(), posting));
    module.routes = rpc::routes(module.routes, &ledger);
    let (recurring, due) = (PostOccurrences(Arc::clone(&ledger)), ledger.due.clone());
    module.add_worker(|shutdown| leased::run(recurring, due, POSTERS, shutdown));
    let erasures = Bell::default();
    let consumer = Consumer {
        source: "auth",
        log: auth,
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: FollowHouseholds(ledger, erasures.clone()),
    };
    module.add_worker(|shutdown| consumer.run(shutdown));
    erasure::add_worker(&mut module, deps, erasures);
    let (clock, random, bell) = (deps.clock.clone(), deps.random.clone(), deps.bell.clone());
    module.add_job(deps, "household-amounts", TimeDelta::hours(1), move |pool| {
        let (clock, random, bell) = (clock.clone(), random.clone(), bell.clone());
        async move {
            if fill_household_amounts(&pool, &clock, &random).await? > 0 {
                bell.ring();
            }
            Ok(())
        }
    });
    if let Some(FeedConfig { provider, url, every }) = config.feed.clone() {
        let feed = Feed::new(provider, url).map_err(|error| ImportError::Form(error.to_string()))?;
        let (clock, random, bell) = (deps.clock.clone(), deps.random.clone(), deps.bell.clone());
        module.add_job(deps, "exchange-rates", every, move |pool| {
            let (feed, clock, random, bell) = (feed.clone(), clock.clone(), random.clone(), bell.clone());
            async move {
                if follow_feed(&feed, &pool, &clock, &random).await? > 0 {
                    bell.ring();
                }
                Ok(())
            }
        });
    }
    module.add_job(deps, "search-words", TimeDelta::hours(1), |pool| async move {
        Ok(gather_words(&pool).await?)
    });
    module.add_job(deps, "ledger-verification", VERIFY, |pool| async move {
        let findings = verify(&pool).await?;
        let broken: i64 = findings.iter().map(|finding| finding.violations).sum();
        metrics::gauge!("fintrac_ledger_violations").set(i32::try_from(broken).map_or(f64::MAX, f64::from));
        Ok(())
    });
    Ok(module)
}

/// ledger-svc as a process of its own, until a signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let config = Config::from_environment(&process.environment);
    let auth = process.peer("auth")?;
    let deps = process.deps(&SCHEMA).await?;
    let module = build(&config, &deps, auth.clone()).await?;
    process.serve(module, Some(auth)).await
}
