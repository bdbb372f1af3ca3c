//! Runs FinTrac in child processes: one for all services, or five.

mod database;
mod processes;

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use embedded_postgres::Server;
use kit_core::clock::Clock;
use kit_core::random::Random;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

pub use processes::signal;
pub use rustix::process::Signal;

use crate::client::Client;
use crate::mailbox::Mailbox;

/// The services behind the gateway, in the order of their ports.
const SERVICES: [&str; 4] = ["auth", "ledger", "budget", "notify"];
/// The maximum time in which a process starts or exits on a busy machine.
const PROCESS_TIMEOUT: Duration = Duration::from_mins(1);
const SECRET: &str = "a service secret for tests, 32 characters";
/// The value of `FINTRAC_DATA_KEYS` in [`Layout::FiveProcesses`].
pub const DATA_KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The process layout of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `fintrac`: the whole system in one process with its own PostgreSQL.
    OneProcess,
    /// The four services and the gateway on separate ports.
    FiveProcesses,
}

/// The settings of a system under test.
#[derive(Debug)]
pub struct Settings {
    pub log_level: &'static str,
    /// Additional environment variables of every process.
    pub environment: Vec<(&'static str, String)>,
    /// The scheme of the URLs between services: `http` or `https`.
    pub scheme: &'static str,
    /// The number of replicas per service, at most three; one if not listed.
    pub replicas: &'static [(&'static str, usize)],
    /// Whether PostgreSQL keeps every commit in a crash; for `FiveProcesses` only.
    pub durable: bool,
    /// Whether logs are copied to stderr at once, and not only when a test fails.
    pub echo_logs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log_level: "warn",
            environment: Vec::new(),
            scheme: "http",
            replicas: &[],
            durable: false,
            echo_logs: false,
        }
    }
}

/// A running system; its processes are killed on drop.
#[derive(Debug)]
pub struct System {
    pub layout: Layout,
    pub client: Client,
    pub mailbox: Mailbox,
    /// The gRPC URL of auth-svc; in one process, of all services.
    pub auth_grpc: String,
    /// The gRPC URL of ledger-svc; in one process, of all services.
    pub ledger_grpc: String,
    /// The gRPC URL of budget-svc; in one process, of all services.
    pub budget_grpc: String,
    /// The gRPC URL of notify-svc; in one process, of all services.
    pub notify_grpc: String,
    /// The log output of all processes so far.
    logs: Arc<Mutex<String>>,
    settings: Settings,
    binary: PathBuf,
    data: TempDir,
    children: Vec<RunningProcess>,
    ports: Vec<u16>,
    cluster: Option<Server>,
}

/// A process with the settings to restart it.
#[derive(Debug)]
struct RunningProcess {
    service: &'static str,
    settings: Vec<(&'static str, String)>,
    child: Child,
}

impl System {
    /// Starts a system; `binary` is the path of `fintrac-service`.
    ///
    /// # Panics
    /// If the system does not become ready.
    pub async fn start(binary: &str, layout: Layout) -> Self {
        Self::start_with(binary, layout, Settings::default()).await
    }

    /// Starts a system with `settings`.
    ///
    /// # Panics
    /// If the system does not become ready.
    pub async fn start_with(binary: &str, layout: Layout, settings: Settings) -> Self {
        let data = shared_tempdir();
        let cluster = match layout {
            Layout::OneProcess => None,
            Layout::FiveProcesses => {
                let start = if settings.durable {
                    kit_testing::start_durable_cluster
                } else {
                    kit_testing::start_cluster
                };
                let started = tokio::task::spawn_blocking(start).await.expect("no panic");
                Some(started.expect("PostgreSQL starts"))
            }
        };
        let ports = free_ports(1 + 3 * SERVICES.len());
        let mut system = Self {
            layout,
            client: Client::new(&format!("http://127.0.0.1:{}", ports[0])),
            mailbox: Mailbox::for_data_dir(data.path()),
            auth_grpc: format!("http://127.0.0.1:{}", ports[1]),
            ledger_grpc: format!("http://127.0.0.1:{}", ports[if cluster.is_some() { 2 } else { 1 }]),
            budget_grpc: format!("http://127.0.0.1:{}", ports[if cluster.is_some() { 3 } else { 1 }]),
            notify_grpc: format!("http://127.0.0.1:{}", ports[if cluster.is_some() { 4 } else { 1 }]),
            logs: Arc::default(),
            settings,
            binary: PathBuf::from(binary),
            data,
            children: Vec::new(),
            ports,
            cluster,
        };
        system.spawn_all().await;
        system.wait_until_ready().await;
        system
    }

    async fn spawn_all(&mut self) {
        let rest = self.ports[0].to_string();
        let local = |port: u16| format!("127.0.0.1:{port}");
        match self.layout {
            Layout::OneProcess => {
                let settings = vec![("SERVER_PORT", rest), ("GRPC_LISTEN", local(self.ports[1]))];
                self.start_service("fintrac", settings);
            }
            Layout::FiveProcesses => {
                let migrated = self.spawn("migrate", &[]).wait().await.expect("migrate runs");
                assert!(migrated.success(), "migrate");
                for (service, ports) in SERVICES.into_iter().zip(self.grpc_ports()) {
                    for port in ports {
                        self.start_service(service, vec![("GRPC_LISTEN", local(port))]);
                    }
                }
                self.start_service("gateway", vec![("SERVER_PORT", rest)]);
            }
        }
    }

    /// Returns the gRPC ports of each service, one per replica.
    fn grpc_ports(&self) -> Vec<Vec<u16>> {
        let replicas =
            |service: &str| self.settings.replicas.iter().find(|(candidate, _)| *candidate == service);
        let ports = |(index, service)| {
            let own = self.ports[1 + index..].iter().step_by(SERVICES.len());
            own.copied().take(replicas(service).map_or(1, |(_, count)| *count)).collect()
        };
        SERVICES.into_iter().enumerate().map(ports).collect()
    }

    /// Returns the gRPC addresses of all ledger-svc replicas, in `FiveProcesses`.
    pub fn ledger_addresses(&self) -> Vec<SocketAddr> {
        self.grpc_ports()[1].iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect()
    }

    fn start_service(&mut self, service: &'static str, settings: Vec<(&'static str, String)>) {
        let child = self.spawn(service, &settings);
        self.children.push(RunningProcess { service, settings, child });
    }

    /// Starts another ledger-svc on the same database and returns its gRPC URL.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start_ledger(&mut self) -> String {
        let port = free_ports(1)[0];
        let mut settings = self.additional_process_settings();
        settings.push(("GRPC_LISTEN", format!("127.0.0.1:{port}")));
        self.start_service("ledger", settings);
        format!("http://127.0.0.1:{port}")
    }

    /// Starts another gateway and returns its address.
    ///
    /// It calls ledger-svc at `ledger_urls`, separated by commas, or at the first gateway's URLs.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start_gateway(&mut self, ledger_urls: Option<&str>) -> String {
        let port = free_ports(1)[0];
        let mut settings = self.additional_process_settings();
        if let Some(ledger_urls) = ledger_urls {
            settings.retain(|(name, _)| *name != "LEDGER_URL");
            settings.push(("LEDGER_URL", ledger_urls.to_owned()));
        }
        settings.push(("SERVER_PORT", port.to_string()));
        self.start_service("gateway", settings);
        let client = std::mem::replace(&mut self.client, Client::new(&format!("http://127.0.0.1:{port}")));
        self.wait_until_ready().await;
        let another = std::mem::replace(&mut self.client, client);
        another.address().to_owned()
    }

    /// Returns the settings of an additional process.
    ///
    /// `FiveProcesses` needs none: [`Self::command`] sets them for every process.
    fn additional_process_settings(&self) -> Vec<(&'static str, String)> {
        if self.cluster.is_some() {
            return Vec::new();
        }
        let secrets = std::fs::read_to_string(self.data.path().join("secrets.env")).expect("secrets");
        let secret = |name: &'static str| {
            let line = secrets.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            (name, line.expect(name).to_owned())
        };
        let socket = embedded_postgres::running(&self.data.path().join("postgres")).expect("it runs");
        let mut settings: Vec<_> =
            ["FINTRAC_SERVICE_SECRET", "FINTRAC_TOKEN_SECRET", "FINTRAC_DATA_KEYS"].map(secret).into();
        let url = format!("postgres://postgres@localhost/postgres?host={}", socket.display());
        settings.push(("DATABASE_URL", url));
        let services = ["AUTH_URL", "LEDGER_URL", "BUDGET_URL", "NOTIFY_URL"];
        settings.extend(services.map(|service| (service, self.auth_grpc.clone())));
        settings
    }

    fn command(&self, service: &str, settings: &[(&'static str, String)]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg(service).current_dir(self.data.path()).env_clear();
        // The environment has only what PostgreSQL's programs need, and the coverage output of
        // script/coverage.
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.envs(coverage_variable());
        command
            .env("FINTRAC_DATA_DIR", self.data.path())
            .env("LOG_LEVEL", self.settings.log_level)
            .env("RUST_BACKTRACE", "0");
        command.env("BACKEND_URL", "http://gateway.example").env("FINTRAC_DRAIN_TIMEOUT", "120");
        command.env("RATE_LIMIT_PER_MINUTE", "10000000");
        // Tests access no other machine.
        command.env("RATE_PROVIDER", "off");
        // Tests set their client address with X-Forwarded-For.
        command.env("TRUSTED_PROXIES", "127.0.0.1/32");
        if self.cluster.is_some() {
            command.env("DATABASE_URL", self.database_url());
            command.env("FINTRAC_SERVICE_SECRET", SECRET).env("FINTRAC_TOKEN_SECRET", SECRET);
            command.env("FINTRAC_DATA_KEYS", DATA_KEYS);
            for (service, ports) in SERVICES.into_iter().zip(self.grpc_ports()) {
                let url = |port| format!("{}://127.0.0.1:{port}", self.settings.scheme);
                let urls: Vec<_> = ports.into_iter().map(url).collect();
                command.env(format!("{}_URL", service.to_uppercase()), urls.join(","));
            }
        }
        command
            .envs(self.settings.environment.iter().chain(settings).map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    fn spawn(&self, service: &str, settings: &[(&'static str, String)]) -> Child {
        let mut child = self.command(service, settings).spawn().expect("the service starts");
        let (service, stderr) = (service.to_owned(), child.stderr.take().expect("piped"));
        let (logs, echo) = (Arc::clone(&self.logs), self.settings.echo_logs);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let line = format!("{service}: {line}\n");
                if echo {
                    eprint!("{line}");
                }
                logs.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
            }
        });
        child
    }

    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// # Panics
    /// If it takes too long, or a process exits.
    pub async fn wait_until_ready(&mut self) {
        let since = Clock::System.now();
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let ready = async {
            loop {
                tick.tick().await;
                for RunningProcess { child, .. } in &mut self.children {
                    assert!(child.try_wait().expect("a child").is_none(), "a service has ended");
                }
                if self.readiness_since(since).await.is_some_and(|body| body["status"] == "ok") {
                    return;
                }
            }
        };
        tokio::time::timeout(PROCESS_TIMEOUT, ready).await.expect("the system becomes ready");
    }

    /// Waits for a readiness report made after this call, and returns it.
    ///
    /// Reports are cached for a second.
    ///
    /// # Panics
    /// If it takes too long.
    pub async fn readiness(&self) -> serde_json::Value {
        let since = Clock::System.now();
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let ready = async {
            loop {
                tick.tick().await;
                if let Some(body) = self.readiness_since(since).await {
                    return body;
                }
            }
        };
        tokio::time::timeout(PROCESS_TIMEOUT, ready).await.expect("a response")
    }

    async fn readiness_since(&self, since: DateTime<Utc>) -> Option<serde_json::Value> {
        let request = self.client.request(reqwest::Method::GET, "/health/ready");
        let body: serde_json::Value = request.send().await.ok()?.json().await.ok()?;
        let checked_at: DateTime<Utc> = body["checked_at"].as_str()?.parse().ok()?;
        (checked_at >= since).then_some(body)
    }

    /// Returns the log output of all processes so far.
    pub fn logs(&self) -> String {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs an operator's command of `fintrac-service` and returns its output.
    ///
    /// # Panics
    /// If it fails.
    pub async fn run_command(&self, arguments: &[&str]) -> String {
        let (command, rest) = arguments.split_first().expect("a command");
        let mut child = self.command(command, &[]);
        let output = child.args(rest).stdout(Stdio::piped()).output().await.expect("it runs");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command that must fail; returns what it writes to stderr.
    pub async fn run_failing_command(&self, command: &str) -> String {
        let output = self.command(command, &[]).stderr(Stdio::piped()).output().await.expect("it runs");
        assert!(!output.status.success(), "{command} must fail");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.settings.echo_logs && self.settings.log_level != "trace" {
            eprint!("{}", self.logs());
        }
    }
}

/// Returns `LLVM_PROFILE_FILE`, if set, for processes with a cleared environment.
pub fn coverage_variable() -> Option<(&'static str, OsString)> {
    Some(("LLVM_PROFILE_FILE", std::env::var_os("LLVM_PROFILE_FILE")?))
}

/// Creates a temporary folder that other accounts can read.
///
/// As root, PostgreSQL runs under another account.
pub fn shared_tempdir() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("chmod");
    folder
}

/// Returns a port that is not in use.
pub fn free_port() -> u16 {
    free_ports(1)[0]
}

/// Returns free ports below the ephemeral range.
///
/// Outgoing connections get ephemeral ports, so none takes a port before its server binds it.
fn free_ports(count: usize) -> Vec<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Concurrent test processes start at different offsets.
    static OFFSET: LazyLock<u16> = LazyLock::new(|| u16::from_le_bytes(Random::System.bytes()) % 10_000);
    let candidates = std::iter::repeat_with(|| {
        20_000 + (*OFFSET + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000) % 10_000
    });
    candidates.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).take(count).collect()
}
