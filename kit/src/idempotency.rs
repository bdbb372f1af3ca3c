//! Requests with a key: the second one gets the answer of the first.
//!
//! A claim lives in the transaction of the work itself: a simultaneous twin
//! waits for it, a refused request rolls it back and leaves the key free.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// How long answers are kept.
pub const KEPT: TimeDelta = TimeDelta::hours(72);

/// What makes a key unique, and the body it came with.
#[derive(Debug, Clone)]
pub struct Key {
    pub household_id: Uuid,
    pub user_id: Uuid,
    /// Method and path: `POST /api/v1/accounts`.
    pub operation: String,
    /// As the client sent it: 1–255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the body as sent.
    pub fingerprint: [u8; 32],
}

/// What a claim found.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody was here: do the work and [`store`] the reply.
    Fresh,
    /// The reply of the first request.
    Replay(Vec<u8>),
    /// The key came before with another body.
    Reused,
}

/// Claims `key`; waits for a twin that is under way.
pub async fn claim(
    connection: &mut PgConnection,
    key: &Key,
    now: DateTime<Utc>,
) -> Result<Claim, sqlx::Error> {
    let inserted = sqlx::query!(
        r#"insert into idempotency_keys (household_id, user_id, operation, key, fingerprint, created_at)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (household_id, user_id, operation, key) do nothing"#,
        key.household_id,
        key.user_id,
        key.operation,
        key.key,
        &key.fingerprint,
        now,
    )
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Claim::Fresh);
    }
    let row = sqlx::query!(
        r#"select fingerprint, reply from idempotency_keys
           where household_id = $1 and user_id = $2 and operation = $3 and key = $4"#,
        key.household_id,
        key.user_id,
        key.operation,
        key.key,
    )
    .fetch_one(connection)
    .await?;
    if row.fingerprint != key.fingerprint {
        return Ok(Claim::Reused);
    }
    Ok(Claim::Replay(row.reply.unwrap_or_default()))
}

/// Keeps the reply, in the same transaction as the claim.
pub async fn store(connection: &mut PgConnection, key: &Key, reply: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update idempotency_keys set reply = $5
           where household_id = $1 and user_id = $2 and operation = $3 and key = $4"#,
        key.household_id,
        key.user_id,
        key.operation,
        key.key,
        reply,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Forgets answers older than [`KEPT`], at most 1,000 a call; returns how many.
pub async fn purge(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"delete from idempotency_keys where ctid = any(array(
               select ctid from idempotency_keys where created_at < $1 limit 1000))"#,
        now - KEPT,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
