//! Builds and runs a service from its RPCs and its background work.
//!
//! A service builds a [`module::ServiceModule`] from its [`module::ServiceDependencies`]; the module
//! runs alone on a port or together with other services in one process.

#![warn(missing_docs)]

mod dependencies;
pub mod erasure;
pub mod export;
pub mod handler;
pub mod idempotency;
pub mod module;
pub mod serve;
pub mod startup;
pub mod use_case;
