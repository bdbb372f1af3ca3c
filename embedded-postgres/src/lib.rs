//! A private PostgreSQL cluster in a folder, for users without a server.
//!
//! The server listens on a Unix socket only. It belongs to the process that started it and ends
//! with that process, even if the process is killed: see `supervisor.rs`. A folder
//! has one owner at a time.

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
