//! The data folder of the system.
//!
//! It holds the private PostgreSQL, the secrets that are created on first start, and the emails if
//! no server is configured.

use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use kit_core::config::{DeploymentEnvironment, Environment};
use kit_core::keyring::KeyRing;
use kit_core::random::Random;

pub const SECRETS_FILE: &str = "secrets.env";
const ROOT_DATA_DIR: &str = "/var/lib/fintrac";
const DEFAULT_DATA_DIR: &str = ".fintrac";

/// Returns the data folder and records its default in the environment.
pub fn path(environment: &mut Environment) -> PathBuf {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    environment.default("FINTRAC_DATA_DIR", if root { ROOT_DATA_DIR } else { DEFAULT_DATA_DIR });
    PathBuf::from(environment.text("FINTRAC_DATA_DIR", ""))
}

/// Creates the folder and its secrets if missing, and sets absent variables.
/// In production the operator must provide the secrets.
pub fn prepare(environment: &mut Environment) -> anyhow::Result<PathBuf> {
    let dir = path(environment);
    let context = || format!("FINTRAC_DATA_DIR {}", dir.display());
    // Other accounts must be able to enter it: under root, PostgreSQL runs as another account.
    DirBuilder::new().recursive(true).mode(0o755).create(&dir).with_context(context)?;
    let dir = fs::canonicalize(&dir).with_context(context)?;
    environment.set("FINTRAC_DATA_DIR", dir.to_string_lossy());
    if environment.deployment_environment() != DeploymentEnvironment::Production {
        for (name, value) in secrets(&dir).with_context(context)? {
            environment.default(&name, value);
        }
    }
    Ok(dir)
}

/// Reads the secrets; creates them first if there are none.
fn secrets(dir: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let path = dir.join(SECRETS_FILE);
    if !path.exists() {
        let random = Random::System;
        let secret = || BASE64.encode(random.bytes::<32>());
        let text = format!(
            "# Created on first start. These secrets allow reading and forging everything; without them\n\
             # encrypted values cannot be decrypted. Back them up with the data.\n\
             FINTRAC_SERVICE_SECRET={}\nFINTRAC_TOKEN_SECRET={}\nFINTRAC_DATA_KEYS={}\n",
            secret(),
            secret(),
            KeyRing::generate(&random),
        );
        write_once(dir, &path, &text)?;
    }
    let text = fs::read_to_string(&path)?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect())
}

/// Creates the file atomically and durably; keeps an existing one.
fn write_once(dir: &Path, path: &Path, text: &str) -> anyhow::Result<()> {
    let partial = dir.join(format!("{SECRETS_FILE}.{}", std::process::id()));
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&partial, path);
    fs::remove_file(&partial)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        Ok(()) | Err(_) => Ok(File::open(dir)?.sync_all()?),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use kit_core::config::Environment;

    use super::{SECRETS_FILE, prepare};

    fn environment(dir: &std::path::Path, deployment: &str) -> Environment {
        let values = [
            ("FINTRAC_DATA_DIR", dir.to_string_lossy().into_owned()),
            ("ENVIRONMENT", deployment.to_owned()),
        ];
        Environment::from_values(values.map(|(name, value)| (name.to_owned(), value)))
    }

    #[test]
    fn secrets_are_created_once_and_readable_by_their_owner_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut first, mut second) = (environment(dir.path(), ""), environment(dir.path(), ""));
        prepare(&mut first).expect("first start");
        prepare(&mut second).expect("second start");
        let secret = first.get("FINTRAC_SERVICE_SECRET").expect("a secret");
        assert!(secret.len() >= 32);
        assert_eq!(Some(secret), second.get("FINTRAC_SERVICE_SECRET"));
        let mode = std::fs::metadata(dir.path().join(SECRETS_FILE)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn no_secrets_are_created_in_production() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut environment = environment(dir.path(), "production");
        prepare(&mut environment).expect("start");
        assert_eq!(environment.get("FINTRAC_SERVICE_SECRET"), None);
    }
}
