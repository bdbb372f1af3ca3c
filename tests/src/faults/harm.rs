//! What goes wrong, one after the other, at moments that the seed chooses.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use fintrac_kit::random::Random;
use fintrac_tests::suite::{Suite, signal};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::proxy::Proxy;

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
    KillPart,
    StopPart,
    CrashDatabase,
    StopDatabaseSession,
    KillRedis,
    CutConnections,
}

const KINDS: [Fault; 10] = [
    Fault::KillPart,
    Fault::KillPart,
    Fault::KillPart,
    Fault::KillPart,
    Fault::StopPart,
    Fault::StopPart,
    Fault::CrashDatabase,
    Fault::StopDatabaseSession,
    Fault::KillRedis,
    Fault::CutConnections,
];

pub struct Harm {
    random: Random,
    until: Instant,
    done: BTreeMap<String, u32>,
}

impl Harm {
    pub fn new(random: Random, during: Duration) -> Self {
        Self { random, until: Instant::now() + during, done: BTreeMap::new() }
    }

    /// Does harm and mends it, until the time is over; the moment when all was mended.
    pub async fn run(&mut self, suite: &mut Suite, redis: &mut Redis, proxy: &Proxy) -> Instant {
        while Instant::now() < self.until {
            pause(self.millis(300, 2000)).await;
            let kind = KINDS[self.below(KINDS.len())];
            let what = self.once(kind, suite, redis, proxy).await;
            *self.done.entry(what).or_default() += 1;
        }
        Instant::now()
    }

    async fn once(&mut self, kind: Fault, suite: &mut Suite, redis: &mut Redis, proxy: &Proxy) -> String {
        match kind {
            Fault::KillPart => {
                let at = self.below(suite.processes().len());
                let part = suite.processes()[at];
                suite.kill_process(at).await;
                pause(self.millis(50, 2500)).await;
                suite.start_process_again(at);
                format!("{part} killed")
            }
            Fault::StopPart => {
                let at = self.below(suite.processes().len());
                let pid = suite.pids()[at];
                signal("STOP", pid).await;
                pause(self.millis(100, 4000)).await;
                signal("CONT", pid).await;
                format!("{} stopped for a while", suite.processes()[at])
            }
            Fault::CrashDatabase => {
                // One dead session makes PostgreSQL throw all others out and recover.
                if let Some(pid) = self.session(suite) {
                    signal("KILL", pid).await;
                }
                "database crashed".into()
            }
            Fault::StopDatabaseSession => {
                if let Some(pid) = self.session(suite) {
                    signal("STOP", pid).await;
                    pause(self.millis(100, 1500)).await;
                    signal("CONT", pid).await;
                }
                "database session stopped for a while".into()
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
                proxy.cut();
                "all connections of customers cut".into()
            }
        }
    }

    /// A session of one of the services.
    fn session(&self, suite: &Suite) -> Option<u32> {
        let sessions = suite.database_sessions();
        (!sessions.is_empty()).then(|| sessions[self.below(sessions.len())])
    }

    pub fn told(&self) -> String {
        let kinds: Vec<_> = self.done.iter().map(|(what, times)| format!("{times} × {what}")).collect();
        format!("{} faults: {}", self.done.values().sum::<u32>(), kinds.join(", "))
    }

    fn below(&self, end: usize) -> usize {
        usize::from(u16::from_le_bytes(self.random.bytes())) % end
    }

    fn millis(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + u64::from(u32::from_le_bytes(self.random.bytes())) % (to - from))
    }
}

pub async fn pause(moment: Duration) {
    tokio::time::sleep(moment).await;
}
