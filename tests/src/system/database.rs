//! Access to a system's database.

use std::path::Path;

use embedded_postgres::running;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};

use super::System;

impl System {
    /// The server processes of the services' sessions, in a cluster of the test's own.
    pub fn database_sessions(&self) -> Vec<u32> {
        let Some(data) = self.cluster.as_ref().and_then(|cluster| cluster.socket_dir().parent()) else {
            return Vec::new();
        };
        let file = std::fs::read_to_string(data.join("data/postmaster.pid")).unwrap_or_default();
        let parent = format!("PPid:\t{}", file.lines().next().unwrap_or_default());
        let is_session = |pid: &u32| {
            let read =
                |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
            read("status").lines().any(|line| line == parent) && read("cmdline").contains("_app ")
        };
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_session).collect()
    }

    /// Finds a session that is committing, by the title of its process.
    pub fn committing(sessions: &[u32]) -> Option<u32> {
        let title = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        sessions.iter().copied().find(|pid| title(pid).trim_end_matches(['\0', ' ']).ends_with("COMMIT"))
    }

    /// # Panics
    /// In one process, which has its own PostgreSQL.
    pub fn database_url(&self) -> String {
        let socket = self.cluster.as_ref().expect("a cluster of the test").socket_dir();
        format!("postgres://postgres@localhost/postgres?host={}", socket.display())
    }

    /// Counts the deadlocks in PostgreSQL's log; its statistics are reset by a crash.
    ///
    /// # Panics
    /// In one process, or when the log cannot be read.
    pub fn deadlocks(&self) -> usize {
        let socket = self.cluster.as_ref().expect("a cluster of the test").socket_dir();
        let log = socket.with_file_name("postgres.log");
        std::fs::read_to_string(log).expect("a log").matches("ERROR:  deadlock detected").count()
    }

    /// Connects to the database as its superuser, in either process layout.
    ///
    /// # Panics
    /// If the database does not run.
    pub async fn connect(&self) -> PgConnection {
        let options = if let Some(cluster) = &self.cluster {
            kit_testing::superuser(cluster)
        } else {
            let dir = running(&self.data.path().join("postgres")).expect("it runs");
            let options = PgConnectOptions::new_without_pgpass().host(&dir.to_string_lossy());
            options.username("postgres").database("postgres")
        };
        options.connect().await.expect("the database responds")
    }

    /// Reads all tables of all services, each row as text.
    ///
    /// # Panics
    /// If the database does not respond.
    pub async fn dump(&self) -> Vec<(String, String)> {
        let mut connection = self.connect().await;
        let tables: Vec<(String, String)> = sqlx::query_as(
            "select nspname, relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
             where nspname in ('auth', 'ledger', 'budget', 'notify') and relkind = 'r' order by 1, 2",
        )
        .fetch_all(&mut connection)
        .await
        .expect("tables");
        let mut rows = Vec::new();
        for (schema, table) in tables {
            let sql = format!("select t::text from {schema}.{table} t");
            let found: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("rows");
            rows.extend(found.into_iter().map(|row| (format!("{schema}.{table}"), row)));
        }
        rows
    }

    /// Runs `fintrac verify` and returns whether it found no violations.
    ///
    /// # Panics
    /// If it does not run.
    pub async fn verify(&self) -> bool {
        self.spawn("verify", &[]).wait().await.expect("verify runs").success()
    }

    /// The pid of the system's own PostgreSQL, if it runs.
    pub fn postgres_pid(&self) -> Option<u32> {
        let data = self.data.path().join("postgres/data");
        let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let pid: u32 = text.lines().next()?.trim().parse().ok()?;
        Path::new(&format!("/proc/{pid}")).exists().then_some(pid)
    }
}
