//! The baseline: PostgreSQL alone, with one commit per write.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use fintrac_tests::system::System;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tokio::process::Command;

use crate::run_results::RunResults;

const SETUP: &str = include_str!("../../bench/baseline-setup.sql");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/baseline.sql");

/// The maximum number of pgbench connections.
pub const CONNECTIONS: usize = 128;

pub struct Baseline {
    socket: PathBuf,
    pgbench: PathBuf,
}

impl Baseline {
    pub async fn prepare(system: &System) -> anyhow::Result<Self> {
        let running = embedded_postgres::running(&system.data_dir().join("postgres"));
        let socket = running.context("the system's PostgreSQL must run")?;
        let options = PgConnectOptions::new_without_pgpass()
            .host(&socket.to_string_lossy())
            .username("postgres")
            .database("postgres");
        sqlx::raw_sql(AssertSqlSafe(SETUP)).execute(&mut options.connect().await?).await?;
        let pgbench = embedded_postgres::program("pgbench")?;
        Ok(Self { socket, pgbench })
    }

    /// Runs the baseline with up to [`CONNECTIONS`] clients.
    ///
    /// PostgreSQL accepts 200 connections, and the system uses some of them.
    pub async fn run(&self, clients: usize, duration: Duration) -> anyhow::Result<RunResults> {
        self.run_on(100, 9, clients, duration).await
    }

    /// Runs the baseline with all clients on one account.
    pub async fn run_hot(&self, clients: usize, duration: Duration) -> anyhow::Result<RunResults> {
        self.run_on(1, 0, clients, duration).await
    }

    async fn run_on(
        &self,
        households: u32,
        spread: u32,
        clients: usize,
        duration: Duration,
    ) -> anyhow::Result<RunResults> {
        let clients = clients.min(CONNECTIONS);
        let logs = tempfile::tempdir()?;
        let output = Command::new(&self.pgbench)
            .current_dir(logs.path())
            .args(["--no-vacuum", "--protocol", "prepared", "--log", "--file", SCRIPT])
            .args(["--client", &clients.to_string(), "--jobs", &clients.min(2).to_string()])
            .args(["--define", &format!("households={households}"), "--define", &format!("spread={spread}")])
            .args(["--time", &duration.as_secs().to_string()])
            .args(["--host", &self.socket.to_string_lossy(), "--username", "postgres", "postgres"])
            .stdin(Stdio::null())
            .output()
            .await?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "pgbench: {text}");
        Ok(RunResults::new(latencies(logs.path())?, 0, duration))
    }
}

/// Reads the latencies of pgbench's logs: the third column, in microseconds.
fn latencies(logs: &Path) -> anyhow::Result<Vec<Duration>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(logs)? {
        let text = std::fs::read_to_string(entry?.path())?;
        let micros = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok());
        all.extend(micros.map(Duration::from_micros));
    }
    Ok(all)
}
