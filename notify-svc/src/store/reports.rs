//! Stores the monthly reports and queues their notifications.

use chrono::{DateTime, NaiveDate, Utc};
use kit_jobs::Queue;
use sqlx::PgConnection;
use uuid::Uuid;

/// The queue of reports whose users must be notified.
pub const REPORT_NOTIFICATIONS: Queue<Uuid> = Queue::new("report-notifications");

/// Queues the reports that do not exist yet, given as (household, month, id).
pub async fn schedule(
    connection: &mut PgConnection,
    reports: &[(Uuid, NaiveDate, Uuid)],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let new = sqlx::query_scalar!(
        r#"insert into notify.reports (household_id, month, id)
           select household_id, month, id
           from unnest($1::uuid[], $2::date[], $3::uuid[]) as new (household_id, month, id)
           on conflict (household_id, month) do nothing
           returning id"#,
        &reports.iter().map(|report| report.0).collect::<Vec<_>>(),
        &reports.iter().map(|report| report.1).collect::<Vec<_>>(),
        &reports.iter().map(|report| report.2).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    REPORT_NOTIFICATIONS.enqueue(connection, new, now).await
}

/// Reads a report's household and month.
pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<(Uuid, NaiveDate)>, sqlx::Error> {
    let row = sqlx::query!("select household_id, month from notify.reports where id = $1", id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| (row.household_id, row.month)))
}
