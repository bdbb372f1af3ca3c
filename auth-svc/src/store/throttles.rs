//! Counts of attempts.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

#[derive(Debug)]
pub struct Throttle {
    pub failures: i32,
    pub blocked_until: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Locks the count of `key` until the transaction ends; creates it if missing.
pub async fn lock(connection: &mut PgConnection, key: &[u8]) -> Result<Throttle, sqlx::Error> {
    sqlx::query_as!(
        Throttle,
        r#"insert into auth.throttles (key, failures, blocked_until, updated_at)
           values ($1, 0, to_timestamp(0), to_timestamp(0))
           on conflict (key) do update set failures = throttles.failures
           returning failures, blocked_until, updated_at"#,
        key
    )
    .fetch_one(connection)
    .await
}

pub async fn set(connection: &mut PgConnection, key: &[u8], count: &Throttle) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update auth.throttles set failures = $2, blocked_until = $3, updated_at = $4 where key = $1",
        key,
        count.failures,
        count.blocked_until,
        count.updated_at
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Deletes the count of `key`.
pub async fn clear(connection: &mut PgConnection, key: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from auth.throttles where key = $1", key).execute(connection).await.map(|_| ())
}

/// Refunds one attempt that was no failure.
/// If the count is still the one `written`, it returns to `before`; otherwise it is reduced by one.
pub async fn refund(
    connection: &mut PgConnection,
    key: &[u8],
    before: &Throttle,
    written: &Throttle,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update auth.throttles
           set failures = case when failures = $2 and updated_at = $3 then $4 else greatest(failures - 1, 0) end,
               blocked_until = case when failures = $2 and updated_at = $3 then $5 else blocked_until end,
               updated_at = case when failures = $2 and updated_at = $3 then $6 else updated_at end
           where key = $1"#,
        key,
        written.failures,
        written.updated_at,
        before.failures,
        before.blocked_until,
        before.updated_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}
