//! `fintrac jobs`: lists, runs and retries the background jobs of all services.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use kit_core::clock::Clock;
use kit_db::Schema;
use kit_jobs::{FailedJob, JobState};

use super::service_database;

const SERVICES: [(&Schema, &[&str]); 4] = [
    (&auth_svc::SCHEMA, &auth_svc::QUEUES),
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
        let states = kit_jobs::list(&mut *service.pool.acquire().await?, queues, now).await;
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

fn format_time(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Prints the jobs that were given up.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub async fn list_failed() -> anyhow::Result<()> {
    for (schema, _) in SERVICES {
        let service = service_database::open(schema).await?;
        let failed = kit_jobs::list_failed(&mut *service.pool.acquire().await?).await;
        service.close().await?;
        for FailedJob { queue, key, attempts, last_error, failed_at } in failed? {
            let failed_at = format_time(Some(failed_at));
            println!("{queue} {key} given up at {failed_at} after {attempts} attempts: {last_error}");
        }
    }
    Ok(())
}

/// Makes jobs that were given up due again; all of the queue if `keys` is empty.
pub async fn retry_failed(queue: &str, keys: &[String]) -> anyhow::Result<()> {
    let mut retried: Option<u64> = None;
    for (schema, _) in SERVICES.iter().filter(|(_, queues)| queues.contains(&queue)) {
        let service = service_database::open(schema).await?;
        let mut connection = service.pool.acquire().await?;
        let count = kit_jobs::retry_failed(&mut connection, queue, keys, Clock::System.now()).await;
        drop(connection);
        service.close().await?;
        retried = Some(retried.unwrap_or_default() + count?);
    }
    let retried = retried.with_context(|| format!("there is no queue {queue}; see `fintrac jobs`"))?;
    ensure!(retried > 0 || keys.is_empty(), "no failed job has one of these keys; see `fintrac jobs failed`");
    tracing::info!("{retried} jobs are due again");
    Ok(())
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
    if !kit_jobs::run_now(&mut *service.pool.acquire().await?, name, requested_at).await? {
        return Ok(false);
    }
    let done = async {
        loop {
            let states =
                kit_jobs::list(&mut *service.pool.acquire().await?, &[], Clock::System.now()).await?;
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
