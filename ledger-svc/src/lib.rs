//! The ledger service: double-entry bookkeeping for households.
//!
//! It owns currencies, exchange rates, accounts, categories and transactions.
//!
//! Invariants: money moves through `posting` only; the postings of a revision sum
//! to zero per currency; a balance is the sum of the account's postings, a daily
//! total the sum of that day's postings; postings are append-only.
//!
//! Layout: rules without I/O in `domain/`, use cases in `service/` (one file
//! each), SQL in `store/`, gRPC handlers in `rpc/`.

mod config;
mod defaults;
mod domain;
mod error;
mod posting;
mod rate_provider;
mod rpc;
mod service;
mod store;

use std::sync::Arc;

use chrono::TimeDelta;
use kit_db::Schema;
use kit_process::Process;
use kit_rpc::transport::Transport;
use kit_service::erasure::{ERASURES, ErasureWorker};
use kit_service::export::Exports;
use kit_service::module::{ServiceDependencies, ServiceModule};
use kit_service::startup;

pub use config::{Config, RateProviderConfig};
use posting::PostingQueue;
pub use rate_provider::{RateProvider, RateProviderClient, RateProviderError};
use service::{AuthEventHandler, LedgerUseCases, PostOccurrences};
pub use service::{
    ImportError, backfill_search_index, fill_household_amounts, import_ecb, sync_rates, verify,
};
use store::recurring::RECURRING_TRANSACTIONS;
pub use store::verification::Finding;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `ledger` and the privileges of the application role.
///
/// Postings are append-only except for the household amount, which a trigger
/// allows to be filled once.
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
        ("postings", "select, insert, update (household_amount, household_rate, household_rate_date)"),
        ("daily_totals", "select, insert, update"),
    ],
    personal_data: &store::personal_data::PERSONAL_DATA,
};

/// The services that may read the ledger's event log.
const EVENT_LOG_READERS: &[&str] = &["budget", "notify"];

/// The time between two verifications, each of which reads every posting.
const VERIFICATION_INTERVAL: TimeDelta = TimeDelta::days(1);

/// The queues whose state `fintrac jobs` lists.
pub const QUEUES: [&str; 2] = [RECURRING_TRANSACTIONS.name, ERASURES.name];

/// Builds the service and stores the bundled rates.
///
/// `auth` is the transport to auth-svc, which provides households and its event log.
pub async fn build(
    config: &Config,
    deps: &ServiceDependencies,
    auth: Transport,
) -> Result<ServiceModule, ImportError> {
    service::store_bundled_rates(&deps.pool).await?;
    let mut module = ServiceModule::new(SCHEMA.name, deps, EVENT_LOG_READERS, &QUEUES);
    let posting_queue = PostingQueue::start(config.writers, deps, &mut module);
    let ledger = Arc::new(LedgerUseCases::new(deps, auth.clone(), posting_queue));
    module.routes = rpc::routes(module.routes, &ledger);
    module.add_exports(Exports::new(deps, &SCHEMA, |_, row| {
        let mut row = serde_json::from_str(&row)?;
        fintrac_money::write_decimals(&mut row, store::personal_data::AMOUNTS);
        Ok(row.to_string())
    }));
    module.add_worker(PostOccurrences(Arc::clone(&ledger)));
    module.add_worker(ErasureWorker::new(SCHEMA.name, deps));
    module.add_consumer(deps, "auth", auth, AuthEventHandler(Arc::clone(&ledger)));
    let use_cases = Arc::clone(&ledger);
    module.add_job("household-amounts", TimeDelta::hours(1), move |pool| {
        let ledger = Arc::clone(&use_cases);
        async move {
            if fill_household_amounts(&pool, &ledger.clock, &ledger.random).await? > 0 {
                ledger.event_log_signal.wake();
            }
            Ok(())
        }
    });
    if let Some(RateProviderConfig { provider, url, interval }) = config.rate_provider.clone() {
        let client = RateProviderClient::new(provider, url)
            .map_err(|error| ImportError::InvalidFormat(error.to_string()))?;
        module.add_job("exchange-rates", interval, move |pool| {
            let (client, ledger) = (client.clone(), Arc::clone(&ledger));
            async move {
                if sync_rates(&client, &pool, &ledger.clock, &ledger.random).await? > 0 {
                    ledger.event_log_signal.wake();
                }
                Ok(())
            }
        });
    }
    module.add_job("search-index", TimeDelta::hours(1), |pool| async move {
        Ok(backfill_search_index(&pool).await?)
    });
    module.add_job("ledger-verification", VERIFICATION_INTERVAL, |pool| async move {
        let findings = verify(&pool).await?;
        let broken: i64 = findings.iter().map(|finding| finding.violations).sum();
        metrics::gauge!("fintrac_ledger_violations").set(i32::try_from(broken).map_or(f64::MAX, f64::from));
        Ok(())
    });
    Ok(module)
}

/// Runs ledger-svc as its own process until a shutdown signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let config = Config::from_environment(&process.environment);
    let auth = process.peer("auth")?;
    let deps = startup::connect(&process, &SCHEMA).await?;
    let module = build(&config, &deps, auth.clone()).await?;
    startup::serve(process, module, Some(auth)).await
}
