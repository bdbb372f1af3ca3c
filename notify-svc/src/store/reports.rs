//! Stores the monthly reports and their schedule.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A report that is due.
#[derive(Debug, Clone, Copy)]
pub struct DueReport {
    pub id: Uuid,
    pub household_id: Uuid,
    /// The first day of the month.
    pub month: NaiveDate,
    pub failures: i32,
}

/// Schedules the reports that do not exist yet, given as (household, month, id).
pub async fn schedule(
    connection: &mut PgConnection,
    reports: &[(Uuid, NaiveDate, Uuid)],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into notify.reports (household_id, month, id, due_at)
           select household_id, month, id, $1
           from unnest($2::uuid[], $3::date[], $4::uuid[]) as new (household_id, month, id)
           on conflict (household_id, month) do nothing"#,
        now,
        &reports.iter().map(|report| report.0).collect::<Vec<_>>(),
        &reports.iter().map(|report| report.1).collect::<Vec<_>>(),
        &reports.iter().map(|report| report.2).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Leases up to `limit` reports that are due.
pub async fn claim(
    connection: &mut PgConnection,
    limit: i64,
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
) -> Result<Vec<DueReport>, sqlx::Error> {
    sqlx::query_as!(
        DueReport,
        r#"update notify.reports set leased_until = $3
           where id in (
               select id from notify.reports
               where due_at <= $2 and (leased_until is null or leased_until <= $2)
               order by due_at limit $1
               for update skip locked)
           returning id, household_id, month, failures"#,
        limit,
        now,
        leased_until,
    )
    .fetch_all(connection)
    .await
}

pub async fn complete(connection: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("update notify.reports set due_at = null, leased_until = null where id = $1", id)
        .execute(connection)
        .await
        .map(|_| ())
}

pub async fn postpone(
    connection: &mut PgConnection,
    id: Uuid,
    due_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update notify.reports set due_at = $2, leased_until = null, failures = failures + 1 where id = $1",
        id,
        due_at
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Reads a report's household and month.
pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<(Uuid, NaiveDate)>, sqlx::Error> {
    let row = sqlx::query!("select household_id, month from notify.reports where id = $1", id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| (row.household_id, row.month)))
}
