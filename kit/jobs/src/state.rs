//! The state of background work, and requests of operators.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// The maximum number of failed jobs in a list.
const MAX_FAILED_JOBS: i64 = 1000;

/// The state of a periodic job or of a queue.
#[derive(Debug, Clone)]
pub struct JobState {
    /// Name of the periodic job or of the queue.
    pub name: String,
    /// Whether a job is in progress.
    pub is_running: bool,
    /// Start of a periodic job's last run.
    pub started_at: Option<DateTime<Utc>>,
    /// End of a periodic job's last run.
    pub finished_at: Option<DateTime<Utc>>,
    /// Time when the next job is due.
    pub due_at: Option<DateTime<Utc>>,
    /// Number of a periodic job's failures in a row, or of a queue's jobs that were given up.
    pub failures: i64,
    /// Error of a periodic job's last run, if it failed.
    pub last_error: Option<String>,
    /// Number of a queue's jobs that are due or wait for a retry; `None` for a periodic job.
    pub backlog: Option<i64>,
}

/// Lists all periodic jobs of a service's schema, then its queues.
pub async fn list(
    connection: &mut PgConnection,
    queues: &[&str],
    now: DateTime<Utc>,
) -> Result<Vec<JobState>, sqlx::Error> {
    let queues: Vec<_> = queues.iter().map(|name| (*name).to_owned()).collect();
    let periodic = sqlx::query!(
        r#"select queue, coalesce(leased_until > $1, false) as "is_running!", started_at, finished_at, run_at,
                  attempts, last_error
           from jobs where key = '' and queue <> all($2::text[]) order by queue"#,
        now,
        &queues,
    )
    .fetch_all(&mut *connection)
    .await?;
    let periodic = periodic.into_iter().map(|row| JobState {
        name: row.queue,
        is_running: row.is_running,
        started_at: row.started_at,
        finished_at: row.finished_at,
        due_at: Some(row.run_at),
        failures: row.attempts.into(),
        last_error: row.last_error,
        backlog: None,
    });
    let waiting = sqlx::query!(
        r#"select name as "name!",
                  exists (select from jobs where queue = name and leased_until > $1) as "is_running!",
                  (select min(run_at) from jobs where queue = name and failed_at is null) as due_at,
                  (select count(*) from jobs where queue = name and failed_at is not null) as "failed!",
                  (select count(*) from jobs where queue = name and failed_at is null and run_at <= $1)
                  + (select count(*) from jobs
                     where queue = name and failed_at is null and run_at > $1 and attempts > 0) as "backlog!"
           from unnest($2::text[]) with ordinality as queues (name, position) order by position"#,
        now,
        &queues,
    )
    .fetch_all(connection)
    .await?;
    let waiting = waiting.into_iter().map(|row| JobState {
        name: row.name,
        is_running: row.is_running,
        started_at: None,
        finished_at: None,
        due_at: row.due_at,
        failures: row.failed,
        last_error: None,
        backlog: Some(row.backlog),
    });
    Ok(periodic.chain(waiting).collect())
}

/// Makes a periodic job due; returns false if there is no job of this name.
/// If it is running, it runs once more.
pub async fn run_now(
    connection: &mut PgConnection,
    name: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"update jobs set run_at = case when lease_id is null then $2 else run_at end,
               rerun_at = case when lease_id is not null then $2::timestamptz end
           where queue = $1 and key = ''"#,
        name,
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A job that was given up.
#[derive(Debug, Clone)]
pub struct FailedJob {
    /// Name of the queue.
    pub queue: String,
    /// Identity of the job in its queue.
    pub key: String,
    /// Number of attempts.
    pub attempts: i32,
    /// Error of the last attempt.
    pub last_error: String,
    /// Time when the job was given up.
    pub failed_at: DateTime<Utc>,
}

/// Lists the jobs that were given up, newest first, at most 1,000.
pub async fn list_failed(connection: &mut PgConnection) -> Result<Vec<FailedJob>, sqlx::Error> {
    sqlx::query_as!(
        FailedJob,
        r#"select queue, key, attempts, coalesce(last_error, '') as "last_error!", failed_at as "failed_at!"
           from jobs where failed_at is not null order by failed_at desc, queue, key limit $1"#,
        MAX_FAILED_JOBS,
    )
    .fetch_all(connection)
    .await
}

/// Makes jobs that were given up due again and returns their number.
/// All of the queue if `keys` is empty.
pub async fn retry_failed(
    connection: &mut PgConnection,
    queue: &str,
    keys: &[String],
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"update jobs set run_at = $3, attempts = 0, failed_at = null
           where queue = $1 and failed_at is not null and (cardinality($2::text[]) = 0 or key = any($2))"#,
        queue,
        keys,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
