//! The load benchmark: `POST /transactions` over REST against the baseline.
//!
//! The baseline is one commit per write by pgbench, in the same run on the same durable cluster.
//!
//! Further benchmarks: one hot account; bulk requests; one ledger-svc against two on the same
//! database; reads of households of growing size; logins, their duration and the effect of a
//! flood; a thousand concurrent users, their response times and the database's statements.
//!
//! `fintrac-bench [SECONDS] [BENCHMARK...]` measures each figure for SECONDS (default 8). The
//! benchmarks are posting, replicas, reading, logins and users (default: all).

mod baseline;
mod load;
mod login;
mod replicas;
mod report;
mod run_results;
mod scale;
mod users;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use fintrac_tests::system::{Layout, Settings, System};

/// The numbers of concurrent clients.
const CLIENTS: [usize; 4] = [1, 8, 64, 256];

const BENCHMARKS: [&str; 5] = ["posting", "replicas", "reading", "logins", "users"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map(|text| text.parse()).transpose().context("SECONDS")?;
    let duration = Duration::from_secs(seconds.unwrap_or(8));
    let names: Vec<_> = arguments.collect();
    if let Some(unknown) = names.iter().find(|name| !BENCHMARKS.contains(&name.as_str())) {
        anyhow::bail!("unknown benchmark {unknown}; choose from {}", BENCHMARKS.join(", "));
    }
    let is_selected = |name: &str| names.is_empty() || names.iter().any(|chosen| chosen == name);
    let binary: PathBuf = std::env::current_exe()?.with_file_name("fintrac-service");
    if BENCHMARKS.iter().any(|name| *name != "users" && is_selected(name)) {
        let settings = Settings { echo_logs: true, ..Settings::default() };
        let mut system = System::start_with(&binary.to_string_lossy(), Layout::OneProcess, settings).await;
        if is_selected("posting") || is_selected("replicas") {
            let workload = load::Workload::prepare(&system).await?;
            if is_selected("posting") {
                measure_posting(&system, &workload, duration).await?;
            }
            if is_selected("replicas") {
                let [one, two, one_repeated] = replicas::measure(&mut system, &workload, duration).await?;
                report::print_replicas(&one, &two, &one_repeated);
            }
        }
        if is_selected("reading") {
            report::print_scale_header();
            scale::measure(&system, report::print_scale).await?;
        }
        if is_selected("logins") {
            let timing = login::timing(&system).await?;
            let flood = login::flood(&system, duration).await?;
            report::print_logins(&timing, &flood);
        }
        system.terminate().await;
    }
    if is_selected("users") {
        let [with_pauses, without_pauses] = users::measure(&binary.to_string_lossy(), duration).await?;
        report::print_users(&with_pauses, &without_pauses);
    }
    Ok(())
}

/// Measures single transactions of many clients, of one account, and bulk requests.
async fn measure_posting(
    system: &System,
    workload: &load::Workload,
    duration: Duration,
) -> anyhow::Result<()> {
    let baseline = baseline::Baseline::prepare(system).await?;
    let mut rows = Vec::new();
    for clients in CLIENTS {
        let baseline = baseline.run(clients, duration).await?;
        let rest = workload.run(clients, duration).await?;
        rows.push(report::Row { clients, baseline, rest });
    }
    let memory = load::memory(system)?;
    report::print_posting(&rows, memory);
    let (baseline_hot, hot) = (baseline.run_hot(64, duration).await?, workload.run_hot(64, duration).await?);
    report::print_comparison("one hot account, 64 clients", &baseline_hot, &hot);
    let (baseline, bulk) = (baseline.run(64, duration).await?, workload.run_bulk(2, duration).await?);
    report::print_comparison(
        "bulk requests of 1,000 transactions, 2 clients (baseline: 64 clients)",
        &baseline,
        &bulk,
    );
    Ok(())
}
