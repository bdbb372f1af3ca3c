//! Runs background work, stored in one table of each schema.
//!
//! A [`Queue`] enqueues jobs in the transaction that makes them necessary. A [`Worker`] handles
//! them, one replica at a time: the job is leased, handled without an open transaction, and then
//! completed, retried or given up. A periodic job is a job of its own queue that is scheduled again
//! after each run. Exactly-once effects come from a key in the work itself, never from the leases.
//! A job has a key and no data; the data is in the tables of the service.

#![warn(missing_docs)]

mod queue;
mod runner;
mod service;
mod state;
mod worker;

pub use queue::{EntityKey, Queue, Singleton};
pub use runner::Runner;
pub use service::Jobs;
pub use state::{FailedJob, JobState, list, list_failed, retry_failed, run_now};
pub use worker::{BoxError, Job, JobError, Worker};
