//! Creates, starts and stops the cluster.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::account::{self, Account};
use crate::supervisor::SupervisedChild;
use crate::{Error, binaries, plain_file, socket};

const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// The delay between two attempts to start the server.
const RETRY_DELAY: Duration = Duration::from_millis(100);
/// The time to wait for the lock of the folder.
/// A process that was killed with -9 holds it for another moment.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// The time for an orphan to shut down, and for a server to recover.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// The text that PostgreSQL logs while sessions outlive a killed postmaster.
/// Each of them ends with its statement.
const SHARED_MEMORY_IN_USE: &str = "pre-existing shared memory block";

/// The cluster to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the cluster, created if missing.
    pub dir: PathBuf,
    /// Server settings, each as `name=value`.
    pub settings: Vec<String>,
    /// Whether the folder is deleted when the server ends (for tests).
    pub temporary: bool,
}

/// A running server. Dropping it stops the server.
#[derive(Debug)]
pub struct Server {
    process: SupervisedChild,
    socket_dir: PathBuf,
    /// The lock that makes this process the owner of the folder.
    _lock: File,
}

impl Server {
    /// Starts the cluster and waits until it is ready; creates it if missing.
    /// Blocks: one to two seconds at the first start, a tenth of that later.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let bin = binaries::find()?;
        let account = account::needed(&options.dir.join("data"))?;
        let account = account.as_ref();

        fs::create_dir_all(&options.dir).map_err(Error::io(&options.dir))?;
        let dir = fs::canonicalize(&options.dir).map_err(Error::io(&options.dir))?;
        let lock = lock(&dir)?;
        account::give(&dir, account)?;
        account::probe(&dir, account)?;

        let data = dir.join("data");
        if data.exists() {
            stop_orphan(&data)?;
        } else {
            initialize(&bin, &dir, &data, options.temporary, account)?;
        }
        let socket_dir = socket::folder(&dir, account)?;
        remove_stale_socket_lock(&socket_dir)?;

        let log = dir.join("postgres.log");
        let mut arguments: Vec<String> =
            ["-D", &data.to_string_lossy(), "-k", &socket_dir.to_string_lossy()].map(str::to_owned).to_vec();
        // Error details contain users' data.
        let ours = ["listen_addresses=", "unix_socket_permissions=0700", "log_error_verbosity=terse"]
            .map(str::to_owned);
        for setting in ours.iter().chain(&options.settings) {
            arguments.extend(["-c".to_owned(), setting.clone()]);
        }
        let remove = options.temporary.then_some(dir.as_path());
        let started = Instant::now();
        let process = loop {
            let before = fs::symlink_metadata(&log).map_or(0, |metadata| metadata.len());
            let mut process =
                SupervisedChild::start(&bin.join("postgres"), &arguments, &log, remove, account)?;
            if wait_until_ready(&mut process, &data) {
                break process;
            }
            drop(process);
            let text = log_since(&log, before);
            if !text.contains(SHARED_MEMORY_IN_USE) || started.elapsed() > START_TIMEOUT {
                return Err(Error::NotReady { log, tail: last_lines(&text) });
            }
            thread::sleep(RETRY_DELAY);
        };
        Ok(Self { process, socket_dir, _lock: lock })
    }

    /// Returns the folder of the Unix socket.
    /// Clients connect as `postgres` on port 5432.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// Returns whether the server has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.ended().is_some()
    }

    /// Shuts the server down (fast) and waits for its end.
    pub fn stop(self) {
        drop(self);
    }
}

/// Waits until the server is ready.
/// Returns false if it ends before that or exceeds [`START_TIMEOUT`].
fn wait_until_ready(process: &mut SupervisedChild, data: &Path) -> bool {
    let started = Instant::now();
    while started.elapsed() < START_TIMEOUT && process.ended().is_none() {
        if is_ready(data) {
            return true;
        }
        thread::sleep(POLL_INTERVAL);
    }
    false
}

/// Returns the log after its first `before` bytes.
fn log_since(log: &Path, before: u64) -> String {
    let bytes = plain_file::read(log);
    let start = usize::try_from(before).unwrap_or(usize::MAX).min(bytes.len());
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().rev().take(10).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Returns the socket folder of the server that runs in `dir`.
/// The owner of the server may be another process.
pub fn running(dir: &Path) -> Option<PathBuf> {
    let data = fs::canonicalize(dir).ok()?.join("data");
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim();
    let socket_dir = lines.nth(3)?.trim();
    // A postmaster's working directory is its data folder. Any other process has reused the pid.
    let alive = fs::canonicalize(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == data);
    (alive && is_ready(&data)).then(|| PathBuf::from(socket_dir))
}

/// Returns whether the server accepts connections.
/// Line 8 of `postmaster.pid` is "ready" from then on.
fn is_ready(data: &Path) -> bool {
    fs::read_to_string(data.join("postmaster.pid"))
        .is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
}

/// Locks the folder, so that it has one owner at a time.
fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let file = plain_file::open(&path, File::options().create(true).truncate(false).write(true))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_TIMEOUT => thread::sleep(POLL_INTERVAL),
            Err(TryLockError::WouldBlock) => return Err(Error::InUse(dir.to_owned())),
            Err(TryLockError::Error(error)) => return Err(Error::io(path)(error)),
        }
    }
}

/// Runs initdb in a temporary folder and renames it to `data`.
/// An incomplete cluster therefore never has the final name.
fn initialize(
    bin: &Path,
    dir: &Path,
    data: &Path,
    temporary: bool,
    account: Option<&Account>,
) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(Error::io(dir))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("data.new.") {
            fs::remove_dir_all(entry.path()).map_err(Error::io(entry.path()))?;
        }
    }
    let fresh = dir.join(format!("data.new.{}", std::process::id()));
    let output = account::command(bin.join("initdb"), account)
        .args([
            "--username=postgres",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ])
        .args(temporary.then_some("--no-sync"))
        .arg("-D")
        .arg(&fresh)
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io(bin.join("initdb")))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Program { program: "initdb", output });
    }
    fs::rename(&fresh, data).map_err(Error::io(data))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io(dir))
}

/// Waits for the server of an earlier run to end and removes its pid file.
/// This process holds the folder's lock, so the owner of that server is gone and the server is
/// ending or has ended. A process that reuses its pid was not started on this data folder.
fn stop_orphan(data: &Path) -> Result<(), Error> {
    let pid_file = data.join("postmaster.pid");
    let started = Instant::now();
    while let Ok(text) = fs::read_to_string(&pid_file) {
        let pid = text.lines().next().unwrap_or_default().trim().to_owned();
        let alive = is_our_server(&pid, data);
        if !alive {
            return match fs::remove_file(&pid_file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(pid_file)(error)),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        if started.elapsed() > START_TIMEOUT {
            return Err(Error::StillAlive(data.to_owned()));
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

/// Returns whether `pid` is a PostgreSQL on `data`.
/// It reads the command line, which every user may read. Only a privileged root may read the
/// working directory.
fn is_our_server(pid: &str, data: &Path) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).any(|argument| argument == data.as_os_str().as_encoded_bytes())
}

/// Removes the socket's lock file, whose pid another process may have reused.
fn remove_stale_socket_lock(socket_dir: &Path) -> Result<(), Error> {
    let path = socket_dir.join(".s.PGSQL.5432.lock");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
