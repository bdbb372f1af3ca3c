//! Shared infrastructure of all services, without any finance logic.
//!
//! It contains the transports and their middleware, credentials, the event log, jobs, configuration
//! and telemetry. Code belongs here if at least two services need it, neither owns it, and it names
//! nothing that users see.

#![warn(missing_docs)]

pub mod access;
pub mod clock;
pub mod config;
pub mod connection_limit;
pub mod context;
pub mod database;
pub mod date;
mod dependencies;
pub mod erasure;
pub mod error;
pub mod events;
pub mod export;
pub mod field_mask;
pub mod handler;
pub mod headers;
pub mod healthcheck;
pub mod idempotency;
pub mod jobs;
pub mod key_derivation;
pub mod keyring;
pub mod locale_format;
pub mod module;
pub mod pagination;
pub mod personal_data;
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
pub mod trust_subscription;
pub mod use_case;
