//! Measures the average response time of a thousand concurrent users.
//!
//! The average duration of a database statement is reported as well.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use fintrac_tests::system::{Layout, Settings, System, free_port};
use futures::future::try_join_all;
use kit_core::random::Random;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::load::{Workload, read_response};

pub const USERS: usize = 1000;
/// The number of calls of which one is a write.
const WRITES: usize = 5;

/// The results for one kind of users.
pub struct Users {
    pub calls: usize,
    pub per_second: f64,
    pub errors: usize,
    pub mean: Duration,
    pub p99: Duration,
    pub statements: u64,
    pub statement_mean: Duration,
}

/// Measures users who pause a second between calls, and users who never pause.
pub async fn measure(binary: &str, duration: Duration) -> anyhow::Result<[Users; 2]> {
    let metrics = format!("127.0.0.1:{}", free_port());
    let environment = vec![("METRICS_LISTEN", metrics.clone())];
    let settings = Settings { environment, echo_logs: true, ..Settings::default() };
    let mut system = System::start_with(binary, Layout::OneProcess, settings).await;
    let workload = Workload::prepare(&system).await?;
    let with_pauses = run(&workload, &metrics, Duration::from_secs(1), duration).await?;
    let without_pauses = run(&workload, &metrics, Duration::ZERO, duration).await?;
    system.terminate().await;
    Ok([with_pauses, without_pauses])
}

async fn run(
    workload: &Workload,
    metrics: &str,
    think_time: Duration,
    duration: Duration,
) -> anyhow::Result<Users> {
    let before = statements(metrics).await?;
    let until = Instant::now() + duration;
    let results = try_join_all((0..USERS).map(|_| user(workload, think_time, until))).await?;
    let after = statements(metrics).await?;
    let errors = results.iter().map(|(_, errors)| errors).sum();
    let mut latencies: Vec<_> = results.into_iter().flat_map(|(latencies, _)| latencies).collect();
    latencies.sort_unstable();
    ensure!(!latencies.is_empty() && after.0 > before.0, "no calls were measured");
    let count = u32::try_from(latencies.len())?;
    let statements = after.0 - before.0;
    Ok(Users {
        calls: latencies.len(),
        per_second: f64::from(count) / duration.as_secs_f64(),
        errors,
        mean: latencies.iter().sum::<Duration>() / count,
        p99: latencies[latencies.len() * 99 / 100],
        statements,
        statement_mean: Duration::from_secs_f64(after.1 - before.1) / u32::try_from(statements)?,
    })
}

/// Runs one user on its own connection.
async fn user(
    workload: &Workload,
    think_time: Duration,
    until: Instant,
) -> anyhow::Result<(Vec<Duration>, usize)> {
    let random = Random::System;
    let mut stream = TcpStream::connect(workload.address()).await?;
    stream.set_nodelay(true)?;
    let (mut latencies, mut errors) = (Vec::new(), 0);
    let mut buffer = Vec::with_capacity(16 * 1024);
    // Spreads the start of the users.
    tokio::time::sleep(random.jittered(think_time)).await;
    while Instant::now() < until {
        let [which, write] =
            [random.bytes(), random.bytes()].map(|bytes| usize::from(u16::from_le_bytes(bytes)));
        let requests = if write % WRITES == 0 { workload.writes() } else { workload.reads() };
        let started = Instant::now();
        stream.write_all(&requests[which % requests.len()]).await?;
        match read_response(&mut stream, &mut buffer).await? {
            200 | 201 => latencies.push(started.elapsed()),
            _ => errors += 1,
        }
        tokio::time::sleep(random.jittered(think_time)).await;
    }
    Ok((latencies, errors))
}

/// Reads the number of statements so far and their total duration in seconds.
async fn statements(metrics: &str) -> anyhow::Result<(u64, f64)> {
    let page = reqwest::get(format!("http://{metrics}/metrics")).await?.text().await?;
    let value = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.context("the statement metrics are missing")
    };
    let count = value("fintrac_statement_seconds_count")?.parse()?;
    Ok((count, value("fintrac_statement_seconds_sum")?.parse()?))
}
