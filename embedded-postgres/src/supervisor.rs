//! PostgreSQL under a shell that stops it when its owner dies.
//!
//! The shell's standard input is a pipe whose other end only the owner holds.
//! Dropping it requests a fast shutdown; when the owner dies, by `kill -9`
//! too, the kernel closes it with the same effect. (PR_SET_PDEATHSIG would
//! not do: it fires when the spawning *thread* ends.)

use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};

use crate::account::{Account, command};
use crate::{Error, plain_file};

/// `$1` is a folder to delete at the end, or empty; the rest is the command.
/// The inner loop matters: a signal sent before PostgreSQL has its handlers
/// is lost, because background jobs of sh start with SIGINT ignored.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
remove=$1
shift
"$@" 3<&- &
server=$!
( read -r _ <&3; while kill -INT $server 2>/dev/null; do sleep 0.2; done ) &
guard=$!
exec 3<&-
wait $server; status=$?
kill $guard 2>/dev/null
[ -n "$remove" ] && rm -rf "$remove"
exit $status
"#;

#[derive(Debug)]
pub(crate) struct SupervisedChild(Child);

impl SupervisedChild {
    /// Starts `postgres` with `arguments`; its output goes to `log`.
    pub fn start(
        postgres: &Path,
        arguments: &[String],
        log: &Path,
        remove: Option<&Path>,
        account: Option<&Account>,
    ) -> Result<Self, Error> {
        let file = plain_file::open(log, std::fs::File::options().create(true).append(true))?;
        let copy = file.try_clone().map_err(Error::io(log))?;
        command("sh", account)
            .args(["-c", SCRIPT, "fintrac-postgres"])
            .arg(remove.unwrap_or(Path::new("")))
            .arg(postgres)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(file)
            .stderr(copy)
            .spawn()
            .map(Self)
            .map_err(Error::io(postgres))
    }

    /// Returns the exit status if PostgreSQL has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }
}

/// Shuts PostgreSQL down (fast) and waits for its end.
impl Drop for SupervisedChild {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ended = self.0.wait();
    }
}
