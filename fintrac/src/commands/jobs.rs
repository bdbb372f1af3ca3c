//! `fintrac jobs`: lists and runs the background jobs of all services.

use std::time::Duration;

use anyhow::{bail, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use fintrac_kit::clock::Clock;
use fintrac_kit::database::Schema;
use fintrac_kit::jobs::{self, JobState, Queue};

use super::service_database;

const SERVICES: [(&Schema, &[Queue]); 4] = [
    (&auth_svc::SCHEMA, &[]),
    (&ledger_svc::SCHEMA, &ledger_svc::QUEUES),
    (&budget_svc::SCHEMA, &budget_svc::QUEUES),
    (&notify_svc::SCHEMA, &notify_svc::QUEUES),
];
/// The time for a running system to find a job and run it.
const RUN_TIMEOUT: Duration = Duration::from_mins(2);
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Prints the state of each job and queue of each service.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub async fn list() -> anyhow::Result<()> {
    let now = Clock::System.now();
    println!(
        "{:<9} {:<24} {:<7} {:<20} {:<20} {:>7} {:>8}  last error",
        "service", "job", "running", "last", "next", "backlog", "failures"
    );
    for (schema, queues) in SERVICES {
        let service = service_database::open(schema).await?;
        let states = jobs::list(&mut *service.pool.acquire().await?, queues, now).await;
        service.close().await?;
        for state in states? {
            println!("{}", line(schema.name, &state));
        }
    }
    Ok(())
}

fn line(service: &str, state: &JobState) -> String {
    let running = if state.is_running { "yes" } else { "no" };
    let backlog = state.backlog.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let error = state.last_error.as_deref().unwrap_or_default();
    let (last, next) = (format_time(state.finished_at), format_time(state.due_at));
    let name = &state.name;
    format!(
        "{service:<9} {name:<24} {running:<7} {last:<20} {next:<20} {backlog:>7} {:>8}  {error}",
        state.failures
    )
    .trim_end()
    .to_owned()
}

pub(super) fn format_time(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Makes a job due in each service that has it, and waits for its run.
pub async fn run(name: &str) -> anyhow::Result<()> {
    let mut is_known = false;
    for (schema, _) in SERVICES {
        let service = service_database::open(schema).await?;
        let ran = run_in(&service, schema.name, name).await;
        service.close().await?;
        is_known |= ran?;
    }
    ensure!(is_known, "there is no job {name}; see `fintrac jobs`");
    Ok(())
}

async fn run_in(
    service: &service_database::ServiceDatabase,
    schema: &str,
    name: &str,
) -> anyhow::Result<bool> {
    let requested_at = Clock::System.now();
    if !jobs::request_run(&mut *service.pool.acquire().await?, name, requested_at).await? {
        return Ok(false);
    }
    let done = async {
        loop {
            let states = jobs::list(&mut *service.pool.acquire().await?, &[], Clock::System.now()).await?;
            let Some(state) = states.into_iter().find(|state| state.name == name) else {
                bail!("{schema}: {name} no longer exists");
            };
            if state.started_at >= Some(requested_at) && state.finished_at >= state.started_at {
                ensure!(
                    state.last_error.is_none(),
                    "{schema}: {name} failed: {}",
                    state.last_error.unwrap_or_default()
                );
                return Ok(());
            }
            // A run that was in progress at the request has overwritten the due time.
            if !state.is_running && state.due_at > Some(requested_at) {
                jobs::request_run(&mut *service.pool.acquire().await?, name, requested_at).await?;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    match tokio::time::timeout(RUN_TIMEOUT, done).await {
        Ok(done) => done?,
        Err(_elapsed) => bail!("{schema}: {name} is due, but no running system has run it yet"),
    }
    tracing::info!("{schema}: {name} is done");
    Ok(true)
}
