//! Starts and stops a process, with or without a database.
//!
//! The process of a service, the gateway and the combined system use the same settings.

#![warn(missing_docs)]

pub mod healthcheck;
mod process;
pub mod shutdown;
pub mod trust_subscription;

pub use process::{
    Process, block_on, direct_rate_limit, log_warnings, rest_address, service_keys, shutdown_timeouts,
    token_verifier_config, warn_about_ignored_variables, workers,
};
