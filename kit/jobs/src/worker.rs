use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use kit_core::error::{chain, is_unavailable};
use kit_db::is_transient;
use kit_events::HandlerError;
use tonic::Status;

use super::queue::Queue;

/// The error of a failed task.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The longest default delay before a retry, as an exponent of two seconds.
const MAX_DELAY_EXPONENT: i32 = 6;

/// Handles the jobs of a queue.
pub trait Worker: Send + Sync + 'static {
    /// The identity of a job, such as the id of a household.
    type Key: fmt::Display + FromStr<Err: fmt::Display> + Send + 'static;

    /// The queue whose jobs are handled.
    const QUEUE: Queue<Self::Key>;
    /// The number of jobs that one replica handles at the same time.
    const CONCURRENCY: usize = 4;
    /// The duration after which an attempt fails.
    const TIMEOUT: Duration;
    /// The duration after which another replica takes over the job of a dead one.
    /// While a job runs, its lease is renewed.
    const LEASE: TimeDelta = TimeDelta::seconds(10);

    /// Handles a job without an open transaction.
    ///
    /// It may run twice, even at the same time, after its process was considered dead.
    fn handle(&self, job: Job<Self::Key>) -> impl Future<Output = Result<(), JobError>> + Send;
}

/// A job that is being handled.
#[derive(Debug, Clone, Copy)]
pub struct Job<K> {
    /// Identity of the job in its queue.
    pub key: K,
    /// Number of failed attempts in a row before this one.
    pub attempts: i32,
}

/// The reason why a job is not completed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The attempt failed; the job is retried after a delay that grows with each failure.
    #[error("{0}")]
    Failed(String),
    /// The attempt failed; the job is retried after this delay.
    #[error("{1}")]
    RetryAfter(TimeDelta, String),
    /// Another service is unavailable; the attempt is not counted, and the queue pauses.
    #[error("{0}")]
    Unavailable(String),
    /// The job can never succeed and is given up; operators can list and retry it.
    #[error("{0}")]
    Permanent(String),
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) { Self::Unavailable(chain(&error)) } else { Self::Failed(chain(&error)) }
    }
}

impl From<Status> for JobError {
    fn from(status: Status) -> Self {
        let text = format!("{}: {}", status.code(), status.message());
        if is_unavailable(&status) { Self::Unavailable(text) } else { Self::Failed(text) }
    }
}

impl From<HandlerError> for JobError {
    fn from(error: HandlerError) -> Self {
        match error {
            HandlerError::Transient(text) => Self::Unavailable(text),
            HandlerError::Permanent(text) => Self::Permanent(text),
        }
    }
}

/// Returns the delay before the next attempt, doubled after each failure in a row.
pub(super) fn retry_delay(attempts: i32) -> TimeDelta {
    TimeDelta::seconds(1_i64 << attempts.clamp(0, MAX_DELAY_EXPONENT))
}
