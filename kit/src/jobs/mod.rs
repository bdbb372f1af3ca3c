//! Background work. What is due is a row.
//!
//! [`PeriodicJob`] runs a task at an interval on one replica at a time;
//! [`leased::run`] works off a queue whose items have effects outside the
//! database: claim and commit, do it, then mark. Exactly-once comes from a
//! key in the work itself, never from these leases.

pub mod leased;
mod periodic;
mod service;
mod state;

pub use periodic::{BoxError, PeriodicJob};
pub use service::Jobs;
pub use state::{JobState, Queue, list, request_run};
