//! Opens pools, migrates schemas and classifies database errors.
//!
//! Each service has a schema of its own, which also contains the tables of the kit crates.

#![warn(missing_docs)]

mod error;
pub mod idempotency;
pub mod personal_data;
mod pool;
mod roles;
mod schema;

pub use error::{
    error_status, is_out_of_range, is_overloaded, is_timeout, is_transient, violated_constraint,
};
pub use pool::{PoolConfig, bounded_pool, dedicated_pool, pool, session_options};
pub use roles::{app_role, bootstrap, owner_role, role_password};
pub use schema::{Grant, Schema, SchemaError, ensure_event_partitions};
