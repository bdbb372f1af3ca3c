//! Plumbing that every service shares and that knows no word of
//! finance: transports and their stacks, credentials, the event log, jobs,
//! configuration, telemetry.
//!
//! Where to put things: what two services need and neither owns comes here;
//! what names a user-visible thing does not.

pub mod access;
pub mod clock;
pub mod config;
pub mod connection_limit;
pub mod context;
pub mod database;
pub mod date;
pub mod erasure;
pub mod error;
pub mod events;
pub mod export;
pub mod field_mask;
pub mod healthcheck;
pub mod idempotency;
pub mod jobs;
pub mod keyring;
pub mod locale_format;
pub mod module;
pub mod pagination;
pub mod process;
pub mod random;
pub mod serve;
pub mod server;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod tls;
pub mod transport;
