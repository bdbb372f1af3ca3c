//! A private PostgreSQL cluster in a folder, for people who have none running.
//!
//! The server listens on a Unix socket only, belongs to the process that
//! started it, and is gone when that process is gone, by whatever death:
//! see [`supervisor`](mod@supervisor). One folder has one owner at a time.

mod account;
mod binaries;
mod cluster;
mod error;
mod plain_file;
mod socket;
mod supervisor;

pub use binaries::program;
pub use cluster::{Options, Server, running};
pub use error::Error;
