//! The state of background work, and requests for runs, for operators.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

/// A queue of work in a table of the service's own.
#[derive(Debug, Clone, Copy)]
pub struct Queue {
    /// Name of the queue.
    pub name: &'static str,
    /// Query for the state of the queue at the instant `$1`.
    /// It returns one row: the number of waiting items, the number of items in progress, the time
    /// when the next item is due, and the number of items that were given up.
    pub sql: &'static str,
}

/// The state of a job or a queue.
#[derive(Debug, Clone)]
pub struct JobState {
    /// Name of the job or queue.
    pub name: String,
    /// Whether a run or an item is in progress.
    pub is_running: bool,
    /// Start of the job's last run.
    pub started_at: Option<DateTime<Utc>>,
    /// End of the job's last run.
    pub finished_at: Option<DateTime<Utc>>,
    /// Time when the next run or item is due.
    pub due_at: Option<DateTime<Utc>>,
    /// Number of a job's failures in a row, or of a queue's items that were given up.
    pub failures: i64,
    /// Error of the job's last run, if it failed.
    pub last_error: Option<String>,
    /// Number of waiting items of a queue; `None` for a job.
    pub backlog: Option<i64>,
}

/// Lists all jobs of a service's schema, then its queues.
pub async fn list(
    connection: &mut PgConnection,
    queues: &[Queue],
    now: DateTime<Utc>,
) -> Result<Vec<JobState>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select name, coalesce(leased_until > $1, false) as "is_running!", started_at, finished_at, due_at,
                  failures, last_error
           from jobs order by name"#,
        now
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut states: Vec<_> = rows
        .into_iter()
        .map(|row| JobState {
            name: row.name,
            is_running: row.is_running,
            started_at: row.started_at,
            finished_at: row.finished_at,
            due_at: Some(row.due_at),
            failures: row.failures.into(),
            last_error: row.last_error,
            backlog: None,
        })
        .collect();
    for queue in queues {
        let row = sqlx::query(AssertSqlSafe(queue.sql)).bind(now).fetch_one(&mut *connection).await?;
        states.push(JobState {
            name: queue.name.to_owned(),
            is_running: row.try_get::<i64, _>(1)? > 0,
            started_at: None,
            finished_at: None,
            due_at: row.try_get(2)?,
            failures: row.try_get(3)?,
            last_error: None,
            backlog: Some(row.try_get(0)?),
        });
    }
    Ok(states)
}

/// Makes a job due; returns false if there is no job of this name.
pub async fn request_run(
    connection: &mut PgConnection,
    name: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query!("update jobs set due_at = $2 where name = $1", name, now).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}
