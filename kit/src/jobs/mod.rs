//! Background work, stored in tables.
//!
//! [`PeriodicJob`] runs a task at an interval, on one replica at a time. [`leased::run`] processes
//! a queue whose items have effects outside the database: it claims an item and commits, processes
//! it, then records the outcome. Exactly-once effects come from a key in the work itself, never
//! from these leases.

pub mod leased;
mod periodic;
mod service;
mod state;

pub use periodic::{BoxError, PeriodicJob};
pub use service::Jobs;
pub use state::{JobState, Queue, list, request_run};
