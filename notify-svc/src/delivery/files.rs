//! Writes emails as `.eml` files.
//!
//! Only their owner can read them, since they contain links and codes.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use super::error::DeliveryError;
use super::message::Envelope;

pub fn prepare(dir: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Writes to a temporary file and renames it: a reader never sees a partial email.
/// An email that is sent again replaces its file.
pub async fn write(dir: &Path, envelope: &Envelope, bytes: &[u8]) -> Result<(), DeliveryError> {
    let (kind, id) = (envelope.kind.public_name(), envelope.id);
    let partial = dir.join(format!(".{id}.partial"));
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial).await?;
    file.write_all(bytes).await?;
    file.flush().await?;
    tokio::fs::rename(&partial, dir.join(format!("{id}-{kind}.eml"))).await?;
    Ok(())
}
