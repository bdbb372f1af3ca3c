use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// The time after which another replica takes over a run.
const LEASE_DURATION: TimeDelta = TimeDelta::minutes(10);
/// The delay before the first retry of a failed run.
const RETRY_DELAY: TimeDelta = TimeDelta::minutes(1);
/// The longest time between two polls, short because runs can be requested.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(5);
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The error of a failed task.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A task that runs at an interval, on one replica at a time.
#[derive(Debug, Clone)]
pub struct PeriodicJob {
    /// Name of the job.
    pub name: &'static str,
    /// Time between two runs.
    pub interval: TimeDelta,
    /// Connections to the schema that contains the job's row.
    pub pool: PgPool,
    /// Source of the current time.
    pub clock: Clock,
}

impl PeriodicJob {
    /// Runs `task` whenever it is due, until `shutdown`.
    pub async fn run<F>(self, shutdown: CancellationToken, task: impl Fn() -> F + Send)
    where
        F: Future<Output = Result<(), BoxError>> + Send,
    {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.run_if_due(&task).await {
                tracing::warn!(job = self.name, error = %error, "job state could not be accessed");
            }
            let next = self.next_due().await.ok().flatten();
            let wait = next.and_then(|due| (due - self.clock.now()).to_std().ok()).unwrap_or_default();
            let wait = wait.clamp(MIN_POLL_INTERVAL, MAX_POLL_INTERVAL);
            let _cancelled = tokio::time::timeout(wait, shutdown.cancelled()).await;
        }
    }

    /// Runs `task` if it is due and no other replica runs it; returns whether it ran.
    pub async fn run_if_due<F>(&self, task: impl Fn() -> F) -> Result<bool, sqlx::Error>
    where
        F: Future<Output = Result<(), BoxError>>,
    {
        let Some((started_at, failures)) = self.claim().await? else { return Ok(false) };
        let outcome: Result<(), BoxError> = match AssertUnwindSafe(task()).catch_unwind().await {
            Ok(outcome) => outcome,
            Err(_panic) => Err("the task panicked".into()),
        };
        let now = self.clock.now();
        let (due, error) = match &outcome {
            Ok(()) => (now + self.interval, None),
            Err(error) => (now + self.retry_delay(failures), Some(crate::error::chain(&**error))),
        };
        if let Some(error) = &error {
            tracing::error!(job = self.name, error, "job failed");
        }
        sqlx::query!(
            r#"update jobs set due_at = $2, finished_at = $3, leased_until = null, last_error = $4,
                   failures = case when $4::text is null then 0 else failures + 1 end
               where name = $1 and started_at = $5"#,
            self.name,
            due,
            now,
            error,
            started_at,
        )
        .execute(&self.pool)
        .await?;
        Ok(true)
    }

    /// Returns the delay before a retry, doubled after each failure in a row.
    /// It is at most the job's interval.
    fn retry_delay(&self, failures: i32) -> TimeDelta {
        let doubled = RETRY_DELAY * 2_i32.saturating_pow(failures.clamp(0, 20).unsigned_abs());
        doubled.min(self.interval)
    }

    /// Leases a due run; returns its start and the number of failures in a row before.
    async fn claim(&self) -> Result<Option<(DateTime<Utc>, i32)>, sqlx::Error> {
        let now = self.clock.now();
        sqlx::query!(
            "insert into jobs (name, due_at) values ($1, $2) on conflict (name) do nothing",
            self.name,
            now
        )
        .execute(&self.pool)
        .await?;
        let claimed = sqlx::query!(
            r#"update jobs set leased_until = $3, started_at = $2
               where name = (
                   select name from jobs
                   where name = $1 and due_at <= $2 and (leased_until is null or leased_until <= $2)
                   for update skip locked)
               returning failures"#,
            self.name,
            now,
            now + LEASE_DURATION,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(claimed.map(|row| (now, row.failures)))
    }

    async fn next_due(&self) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        let row = sqlx::query!(
            r#"select greatest(due_at, leased_until) as "due_at!" from jobs where name = $1"#,
            self.name
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| row.due_at))
    }
}
