//! Finds PostgreSQL's server programs.
//!
//! It searches the folder that `pg_config` prints, PATH, and the usual folders of Debian, Red Hat
//! and Homebrew. The newest version wins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

const MIN_MAJOR_VERSION: u32 = 15;

/// Returns the folder that holds `postgres` and `initdb`, version 15 or newer.
pub(crate) fn find() -> Result<PathBuf, Error> {
    let mut candidates = Vec::new();
    for root in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "/usr"] {
        let Ok(entries) = fs::read_dir(root) else { continue };
        candidates.extend(entries.flatten().map(|entry| entry.path().join("bin")));
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        candidates.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    candidates.extend(std::env::split_paths(&path));

    candidates
        .into_iter()
        .filter(|dir| dir.join("initdb").is_file())
        .filter_map(|dir| Some((major_version(&dir.join("postgres"))?, dir)))
        .filter(|(version, _)| *version >= MIN_MAJOR_VERSION)
        .max_by_key(|(version, _)| *version)
        .map(|(_, dir)| dir)
        .ok_or(Error::NoBinaries)
}

/// Returns the path of another PostgreSQL program, such as `pgbench`.
pub fn program(name: &str) -> Result<PathBuf, Error> {
    // PATH may hold links to some of the programs. The others are in the folder that these links
    // lead to.
    let initdb = fs::canonicalize(find()?.join("initdb")).map_err(|_| Error::NoBinaries)?;
    let path = initdb.with_file_name(name);
    if path.is_file() { Ok(path) } else { Err(Error::NoBinaries) }
}

/// Returns the major version that `postgres --version` prints.
/// It is 15 for "postgres (PostgreSQL) 15.18".
fn major_version(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace().find_map(|word| word.split('.').next()?.parse().ok())
}
