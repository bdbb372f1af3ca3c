//! Under which account PostgreSQL runs: our own, or, because PostgreSQL
//! refuses root, `postgres` or `nobody` when we are root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;

/// An account to switch to; only used when this process is root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// The user id of this process (Linux: the owner of `/proc/self`).
pub(crate) fn own_uid() -> Result<u32, Error> {
    Ok(fs::metadata("/proc/self").map_err(Error::io("/proc/self"))?.uid())
}

/// The account to switch to, or `None` when PostgreSQL can run as ourselves.
pub(crate) fn needed() -> Result<Option<Account>, Error> {
    if own_uid()? != 0 {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd").map_err(Error::io("/etc/passwd"))?;
    ["postgres", "nobody"].iter().find_map(|name| find(&passwd, name)).map(Some).ok_or(Error::NoAccount)
}

fn find(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Account { name: name.to_owned(), uid, gid })
    })
}

/// A command that runs as `account`, in a process group of its own so that
/// Ctrl-C reaches only the owner, which drains before it stops PostgreSQL.
pub(crate) fn command(program: impl AsRef<OsStr>, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").process_group(0);
    for variable in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGOPTIONS"] {
        command.env_remove(variable);
    }
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// Gives `path` to `account`.
pub(crate) fn give(path: &Path, account: Option<&Account>) -> Result<(), Error> {
    let Some(account) = account else { return Ok(()) };
    chown(path, Some(account.uid), Some(account.gid)).map_err(Error::io(path))
}

/// Fails with a clear error when `account` cannot enter and write `dir`.
pub(crate) fn probe(dir: &Path, account: Option<&Account>) -> Result<(), Error> {
    let status = command("sh", account)
        .args(["-c", "cd \"$1\" && test -w .", "sh"])
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(Error::io(dir))?;
    if status.success() {
        return Ok(());
    }
    let account = account.map_or_else(|| "this user".to_owned(), |account| account.name.clone());
    Err(Error::Unreachable { account, dir: dir.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Account, find};

    #[test]
    fn accounts_are_found_by_exact_name() {
        let passwd = "postgresql:x:1:1::/:\npostgres:x:101:104:PostgreSQL,,,:/var:/bin/sh\n";
        let found = Account { name: "postgres".into(), uid: 101, gid: 104 };
        assert_eq!(find(passwd, "postgres"), Some(found));
        assert_eq!(find(passwd, "nobody"), None);
    }
}
