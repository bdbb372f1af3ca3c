//! Injects faults, one after the other, at moments that the seed determines.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use fintrac_tests::system::{Signal, System, signal};
use kit_core::random::Random;
use sqlx::{Connection as _, PgConnection};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::proxy::Proxies;

/// The number of writers of each ledger-svc.
pub const WRITERS: i32 = 2;

pub struct Redis {
    port: u16,
    dir: tempfile::TempDir,
    child: Child,
}

impl Redis {
    pub async fn start(port: u16) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let child = Self::spawn(port, &dir)?;
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            pause(Duration::from_millis(20)).await;
        }
        Ok(Self { port, dir, child })
    }

    fn spawn(port: u16, dir: &tempfile::TempDir) -> std::io::Result<Child> {
        Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()])
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

/// A kind of fault.
#[derive(Debug, Clone, Copy)]
enum Fault {
    KillService,
    PauseService,
    CrashDatabase,
    CrashDuringCommits,
    StopDatabaseSession,
    HoldFairnessLocks,
    KillRedis,
    CutConnections,
}

const KINDS: [Fault; 13] = [
    Fault::KillService,
    Fault::KillService,
    Fault::KillService,
    Fault::KillService,
    Fault::PauseService,
    Fault::PauseService,
    Fault::CrashDatabase,
    Fault::CrashDuringCommits,
    Fault::StopDatabaseSession,
    Fault::HoldFairnessLocks,
    Fault::HoldFairnessLocks,
    Fault::KillRedis,
    Fault::CutConnections,
];

pub struct FaultInjector {
    random: Random,
    until: Instant,
    done: BTreeMap<String, u32>,
}

impl FaultInjector {
    pub fn new(random: Random, during: Duration) -> Self {
        Self { random, until: Instant::now() + during, done: BTreeMap::new() }
    }

    /// Injects and ends faults until the time is over; returns when the last one ended.
    pub async fn run(&mut self, system: &mut System, redis: &mut Redis, proxies: &Proxies) -> Instant {
        while Instant::now() < self.until {
            pause(self.millis(300, 2000)).await;
            let kind = KINDS[self.random_below(KINDS.len())];
            let what = self.once(kind, system, redis, proxies).await;
            *self.done.entry(what).or_default() += 1;
        }
        Instant::now()
    }

    async fn once(
        &mut self,
        kind: Fault,
        system: &mut System,
        redis: &mut Redis,
        proxies: &Proxies,
    ) -> String {
        match kind {
            Fault::KillService => {
                let index = self.random_below(system.processes().len());
                let service = system.processes()[index];
                system.kill_process(index).await;
                pause(self.millis(50, 2500)).await;
                system.restart_process(index);
                format!("{service} killed")
            }
            Fault::PauseService => {
                let index = self.random_below(system.processes().len());
                let pid = system.pids()[index];
                signal(Signal::STOP, pid);
                pause(self.millis(100, 4000)).await;
                signal(Signal::CONT, pid);
                format!("{} paused", system.processes()[index])
            }
            Fault::CrashDatabase => {
                // One killed session makes PostgreSQL end all others and recover.
                if let Some(pid) = self.session(system) {
                    signal(Signal::KILL, pid);
                }
                "database crashed".into()
            }
            Fault::CrashDuringCommits => {
                // Commits wait behind a stopped one and are lost with it.
                let Some(pid) = committing(system).await else { return "no session was committing".into() };
                signal(Signal::STOP, pid);
                pause(self.millis(50, 500)).await;
                signal(Signal::KILL, pid);
                "database crashed during commits".into()
            }
            Fault::StopDatabaseSession => {
                if let Some(pid) = self.session(system) {
                    signal(Signal::STOP, pid);
                    pause(self.millis(100, 1500)).await;
                    signal(Signal::CONT, pid);
                }
                "database session paused".into()
            }
            Fault::HoldFairnessLocks => {
                if self.hold_fairness_locks(system).await.is_err() {
                    return "fairness locks not held: the database was unavailable".into();
                }
                "fairness locks held".into()
            }
            Fault::KillRedis => {
                let _gone = redis.child.kill().await;
                pause(self.millis(50, 2000)).await;
                if let Ok(child) = Redis::spawn(redis.port, &redis.dir) {
                    redis.child = child;
                }
                "Redis killed".into()
            }
            Fault::CutConnections => {
                let (proxy, what) = proxies.nth(self.random_below(proxies.count()));
                proxy.cut();
                format!("all connections {what} cut")
            }
        }
    }

    /// Holds the fairness locks, like a ledger-svc that freezes before it locks rows.
    ///
    /// The others then write concurrently to the same accounts.
    async fn hold_fairness_locks(&self, system: &System) -> anyhow::Result<()> {
        let url = system.database_url();
        // The database may be about to recover.
        let connecting = async {
            loop {
                match PgConnection::connect(&url).await {
                    Ok(session) => return session,
                    Err(_) => pause(Duration::from_millis(20)).await,
                }
            }
        };
        let mut session = tokio::time::timeout(Duration::from_secs(10), connecting).await?;
        sqlx::query(
            "select pg_advisory_lock(hashtext('ledger writer ' || writer || ' of ' || $1::int))
             from generate_series(0, $1::int - 1) writer",
        )
        .bind(WRITERS)
        .execute(&mut session)
        .await?;
        pause(self.millis(500, 4000)).await;
        Ok(session.close().await?)
    }

    /// Picks a random session of a service.
    fn session(&self, system: &System) -> Option<u32> {
        let sessions = system.database_sessions();
        (!sessions.is_empty()).then(|| sessions[self.random_below(sessions.len())])
    }

    pub fn summary(&self) -> String {
        let kinds: Vec<_> = self.done.iter().map(|(what, times)| format!("{times} × {what}")).collect();
        format!("{} faults: {}", self.done.values().sum::<u32>(), kinds.join(", "))
    }

    fn random_below(&self, end: usize) -> usize {
        usize::from(u16::from_le_bytes(self.random.bytes())) % end
    }

    fn millis(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + u64::from(u32::from_le_bytes(self.random.bytes())) % (to - from))
    }
}

/// Finds a session that is committing.
async fn committing(system: &System) -> Option<u32> {
    let sessions = system.database_sessions();
    let found = async {
        loop {
            if let Some(pid) = System::committing(&sessions) {
                return pid;
            }
            pause(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), found).await.ok()
}

pub async fn pause(moment: Duration) {
    tokio::time::sleep(moment).await;
}
