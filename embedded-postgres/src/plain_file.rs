//! Opens files in a folder that belongs to PostgreSQL's account.
//!
//! That account must not redirect root to other files, so no link is followed.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Error as IoError, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::Error;

/// Opens or creates a plain file with a single name and mode 0600.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> Result<File, Error> {
    let file = options
        .mode(0o600)
        // O_NONBLOCK: opening a pipe without a reader must not block.
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP | libc::ENXIO) => Error::ForeignFile(path.to_owned()),
            _ => Error::io(path)(error),
        })?;
    let found = file.metadata().map_err(Error::io(path))?;
    if !found.is_file() || found.nlink() > 1 {
        return Err(Error::ForeignFile(path.to_owned()));
    }
    if found.mode() & 0o077 != 0 {
        match file.set_permissions(Permissions::from_mode(0o600)) {
            // The file belongs to another account, which decides its mode.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            result => result.map_err(Error::io(path))?,
        }
    }
    Ok(file)
}

/// Reads the file; returns no bytes if it cannot be opened or read.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    let read = || -> Result<Vec<u8>, IoError> {
        let mut file = open(path, OpenOptions::new().read(true)).map_err(IoError::other)?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes)?;
        Ok(bytes)
    };
    read().unwrap_or_default()
}
