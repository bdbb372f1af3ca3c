//! The folder of the server's socket.
//!
//! It is in the data folder or, if that path is too long for a Unix socket, a private folder with a
//! short path.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, DirBuilder};
use std::hash::{Hash as _, Hasher as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::account::{Account, give, own_uid};

/// The longest path that fits `sockaddr_un` with its final NUL.
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// Returns the folder for the socket of the cluster in `dir`.
/// Creates it if missing.
pub(crate) fn folder(dir: &Path, account: Option<&Account>) -> Result<PathBuf, Error> {
    let inside = dir.join("socket");
    if inside.join(".s.PGSQL.5432").as_os_str().len() <= MAX_SOCKET_PATH_BYTES {
        return private(inside, account);
    }
    let mut hash = DefaultHasher::new();
    dir.hash(&mut hash);
    private(std::env::temp_dir().join(format!("fintrac-{:016x}", hash.finish())), account)
}

/// Creates `path` with mode 0700 for `account`.
/// An existing folder must have the same mode and owner.
fn private(path: PathBuf, account: Option<&Account>) -> Result<PathBuf, Error> {
    match DirBuilder::new().mode(0o700).create(&path) {
        Ok(()) => give(&path, account)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::io(path)(error)),
    }
    let found = fs::symlink_metadata(&path).map_err(Error::io(&path))?;
    let owner = account.map_or_else(own_uid, |account| Ok(account.uid))?;
    // Owned by root and private: a process died between creating the folder and changing its owner.
    if account.is_some() && found.is_dir() && found.uid() == 0 && found.mode() & 0o077 == 0 {
        give(&path, account)?;
        return Ok(path);
    }
    if !found.is_dir() || found.uid() != owner || found.mode() & 0o077 != 0 {
        return Err(Error::ForeignSocketDir(path));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{folder, fs, private};
    use crate::Error;

    #[test]
    fn a_folder_others_may_enter_is_rejected() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("socket");
        fs::create_dir(&path).expect("create the folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        assert!(matches!(private(path, None), Err(Error::ForeignSocketDir(_))));
    }

    #[test]
    fn a_long_path_gets_a_short_socket_folder() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let long = dir.path().join("x".repeat(120));
        let found = folder(&long, None).expect("a folder");
        assert!(found.join(".s.PGSQL.5432").as_os_str().len() <= super::MAX_SOCKET_PATH_BYTES);
        fs::remove_dir(found).expect("remove");
    }
}
