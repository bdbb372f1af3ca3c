//! The operating-system account that PostgreSQL runs under.
//!
//! It is the account of this process or, because PostgreSQL rejects root, `fintrac` or `postgres`
//! if this process runs as root. It is never `nobody`: other programs run under that account, and
//! each of them could read the database.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;

/// The account that a root process switches to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// Returns the user id of this process (Linux: the owner of `/proc/self`).
pub(crate) fn own_uid() -> Result<u32, Error> {
    Ok(fs::metadata("/proc/self").map_err(Error::io("/proc/self"))?.uid())
}

const ACCOUNTS: [&str; 2] = ["fintrac", "postgres"];

/// Returns the account to switch to, or `None` if no switch is needed.
/// The owner of an existing `data` folder stays its owner.
pub(crate) fn needed(data: &Path) -> Result<Option<Account>, Error> {
    if own_uid()? != 0 {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd").map_err(Error::io("/etc/passwd"))?;
    let owner = fs::symlink_metadata(data).ok().map(|folder| folder.uid());
    choose(&passwd, owner).map(Some)
}

fn choose(passwd: &str, owner: Option<u32>) -> Result<Account, Error> {
    let accounts: Vec<_> = passwd.lines().filter_map(parse).collect();
    let own = accounts.iter().find(|account| account.uid != 0 && Some(account.uid) == owner);
    if own.is_some_and(|account| account.name == "nobody") {
        return Err(Error::SharedAccount);
    }
    let named = || ACCOUNTS.iter().find_map(|name| accounts.iter().find(|account| account.name == *name));
    own.or_else(named).cloned().ok_or(Error::NoAccount)
}

/// Parses a line of `/etc/passwd`.
fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Account { name, uid, gid })
}

/// Builds a command that runs as `account` in its own process group.
/// Ctrl-C then reaches only the owner, which drains before it stops PostgreSQL.
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

/// Makes `account` the owner of `path`.
pub(crate) fn give(path: &Path, account: Option<&Account>) -> Result<(), Error> {
    let Some(account) = account else { return Ok(()) };
    chown(path, Some(account.uid), Some(account.gid)).map_err(Error::io(path))
}

/// Checks that `account` can enter and write `dir`.
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
    use super::choose;
    use crate::Error;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n\
        postgresql:x:1:1::/:\npostgres:x:101:104:PostgreSQL,,,:/var:/bin/sh\nother:x:102:102::/:\n";

    fn name(passwd: &str, owner: Option<u32>) -> Option<String> {
        choose(passwd, owner).ok().map(|account| account.name)
    }

    #[test]
    fn postgresql_gets_an_account_of_its_own() {
        assert_eq!(name(PASSWD, None).as_deref(), Some("postgres"));
        let both = format!("{PASSWD}fintrac:x:105:105::/:\n");
        assert_eq!(name(&both, None).as_deref(), Some("fintrac"));
        assert_eq!(name(&both, Some(101)).as_deref(), Some("postgres"), "the owner is kept");
        assert_eq!(name(&both, Some(102)).as_deref(), Some("other"));
        assert_eq!(name(&both, Some(0)).as_deref(), Some("fintrac"), "root is never chosen");
    }

    #[test]
    fn the_shared_account_is_rejected() {
        assert!(matches!(choose("nobody:x:65534:65534::/:\n", None), Err(Error::NoAccount)));
        assert!(matches!(choose(PASSWD, Some(65534)), Err(Error::SharedAccount)));
    }
}
