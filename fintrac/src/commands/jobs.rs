//! `fintrac jobs`: background work of all parts, and mails that were given up.

use std::time::Duration;

use anyhow::{bail, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use fintrac_kit::clock::Clock;
use fintrac_kit::database::Schema;
use fintrac_kit::jobs::{self, JobState, Queue};
use uuid::Uuid;

use super::part;

const PARTS: [(&Schema, &[Queue]); 4] = [
    (&auth_svc::SCHEMA, &[]),
    (&ledger_svc::SCHEMA, &ledger_svc::QUEUES),
    (&budget_svc::SCHEMA, &budget_svc::QUEUES),
    (&notify_svc::SCHEMA, &notify_svc::QUEUES),
];
/// How long a suite that runs may take to find a job and to do it.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(250);

/// Prints how each job and queue of each part stands.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub async fn list() -> anyhow::Result<()> {
    let now = Clock::System.now();
    println!(
        "{:<9} {:<24} {:<7} {:<20} {:<20} {:>7} {:>8}  last error",
        "part", "job", "running", "last", "next", "backlog", "failures"
    );
    for (schema, queues) in PARTS {
        let part = part::open(schema).await?;
        let states = jobs::list(&mut *part.pool.acquire().await?, queues, now).await;
        part.close().await?;
        for state in states? {
            println!("{}", line(schema.name, &state));
        }
    }
    Ok(())
}

fn line(part: &str, state: &JobState) -> String {
    let running = if state.is_running { "yes" } else { "no" };
    let backlog = state.backlog.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let error = state.last_error.as_deref().unwrap_or_default();
    let (last, next) = (instant(state.finished_at), instant(state.due_at));
    let name = &state.name;
    format!(
        "{part:<9} {name:<24} {running:<7} {last:<20} {next:<20} {backlog:>7} {:>8}  {error}",
        state.failures
    )
    .trim_end()
    .to_owned()
}

fn instant(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Makes a job due in each part that has it, and waits until the suite has done it.
pub async fn run(name: &str) -> anyhow::Result<()> {
    let mut is_known = false;
    for (schema, _) in PARTS {
        let part = part::open(schema).await?;
        let ran = run_in(&part, schema.name, name).await;
        part.close().await?;
        is_known |= ran?;
    }
    ensure!(is_known, "there is no job {name}; see `fintrac jobs`");
    Ok(())
}

async fn run_in(part: &part::Part, schema: &str, name: &str) -> anyhow::Result<bool> {
    let asked = Clock::System.now();
    if !jobs::ask(&mut *part.pool.acquire().await?, name, asked).await? {
        return Ok(false);
    }
    let done = async {
        loop {
            let states = jobs::list(&mut *part.pool.acquire().await?, &[], Clock::System.now()).await?;
            let Some(state) = states.into_iter().find(|state| state.name == name) else {
                bail!("{schema}: {name} is gone");
            };
            if state.started_at >= Some(asked) && state.finished_at >= state.started_at {
                ensure!(
                    state.last_error.is_none(),
                    "{schema}: {name} failed: {}",
                    state.last_error.unwrap_or_default()
                );
                return Ok(());
            }
            // A run that was under way when this one was asked for set its next time over ours.
            if !state.is_running && state.due_at > Some(asked) {
                jobs::ask(&mut *part.pool.acquire().await?, name, asked).await?;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(PATIENCE, done).await {
        Ok(done) => done?,
        Err(_elapsed) => bail!("{schema}: {name} is due, but no suite that runs has done it yet"),
    }
    tracing::info!("{schema}: {name} is done");
    Ok(true)
}

/// Prints the mails that were given up.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub async fn mails() -> anyhow::Result<()> {
    let part = part::open(&notify_svc::SCHEMA).await?;
    let dead = notify_svc::dead_mails(&part.pool).await;
    part.close().await?;
    for mail in dead? {
        let error = mail.last_error.unwrap_or_default();
        let (id, kind, user) = (mail.id, mail.kind, mail.user_id);
        println!(
            "{id} {} {kind} to user {user}, {} tries: {error}",
            instant(Some(mail.created_at)),
            mail.attempts
        );
    }
    Ok(())
}

/// Queues mails that were given up anew; all of them without ids.
pub async fn retry(ids: &[Uuid]) -> anyhow::Result<()> {
    let part = part::open(&notify_svc::SCHEMA).await?;
    let retried = notify_svc::retry_mails(&part.pool, ids, Clock::System.now()).await;
    part.close().await?;
    let retried = retried?;
    ensure!(retried > 0 || ids.is_empty(), "no mail of these was given up");
    tracing::info!("{retried} mails are tried again");
    Ok(())
}
