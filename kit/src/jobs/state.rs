//! What operators see of background work, and how they ask for it.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

/// A queue of work that is a table of the service's own.
#[derive(Debug, Clone, Copy)]
pub struct Queue {
    pub name: &'static str,
    /// One row for the instant `$1`: how many wait, how many are at work, when the
    /// next is due, how many were given up.
    pub sql: &'static str,
}

/// A job or a queue.
#[derive(Debug, Clone)]
pub struct JobState {
    pub name: String,
    pub is_running: bool,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
    /// In a row; of a queue: given up.
    pub failures: i64,
    pub last_error: Option<String>,
    /// What waits; none of what is no queue.
    pub backlog: Option<i64>,
}

/// All jobs of a service's schema, then its queues.
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

/// Makes a job due; false when there is none of this name.
pub async fn request_run(
    connection: &mut PgConnection,
    name: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query!("update jobs set due_at = $2 where name = $1", name, now).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}
