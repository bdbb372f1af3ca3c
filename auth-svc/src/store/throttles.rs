//! Counts of attempts.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

#[derive(Debug)]
pub struct Throttle {
    pub failures: i32,
    pub blocked_until: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The count of `key`, made when missing, locked until the transaction ends.
pub async fn lock(
    connection: &mut PgConnection,
    key: &[u8],
    now: DateTime<Utc>,
) -> Result<Throttle, sqlx::Error> {
    sqlx::query_as!(
        Throttle,
        r#"insert into auth.throttles (key, failures, blocked_until, updated_at) values ($1, 0, $2, $2)
           on conflict (key) do update set failures = throttles.failures
           returning failures, blocked_until, updated_at"#,
        key,
        now
    )
    .fetch_one(connection)
    .await
}

pub async fn set(
    connection: &mut PgConnection,
    key: &[u8],
    failures: i32,
    blocked_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update auth.throttles set failures = $2, blocked_until = $3, updated_at = $4 where key = $1",
        key,
        failures,
        blocked_until,
        now
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Forgets the failures of `key`.
pub async fn clear(connection: &mut PgConnection, key: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from auth.throttles where key = $1", key).execute(connection).await.map(|_| ())
}

/// Takes back one attempt that was no failure,
/// restoring what was `before` it unless others have come since.
pub async fn take_back(
    connection: &mut PgConnection,
    key: &[u8],
    before: &Throttle,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update auth.throttles
           set failures = greatest(failures - 1, 0),
               blocked_until = case when failures <= $2 + 1 then $3 else blocked_until end,
               updated_at = case when failures <= $2 + 1 then $4 else updated_at end
           where key = $1"#,
        key,
        before.failures,
        before.blocked_until,
        before.updated_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}
