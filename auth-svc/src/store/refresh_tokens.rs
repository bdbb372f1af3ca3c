//! Refresh tokens, one family per session.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug)]
pub struct RefreshToken {
    pub session_id: Uuid,
    pub consumed_at: Option<DateTime<Utc>>,
    pub successor_hash: Option<Vec<u8>>,
}

pub async fn insert(
    connection: &mut PgConnection,
    hash: &[u8],
    session_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into auth.refresh_tokens (token_hash, session_id, created_at) values ($1, $2, $3)",
        hash,
        session_id,
        now
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Finds a refresh token; the result is current only under the session's lock.
pub async fn find(connection: &mut PgConnection, hash: &[u8]) -> Result<Option<RefreshToken>, sqlx::Error> {
    sqlx::query_as!(
        RefreshToken,
        "select session_id, consumed_at, successor_hash from auth.refresh_tokens where token_hash = $1",
        hash
    )
    .fetch_optional(connection)
    .await
}

pub async fn consume(
    connection: &mut PgConnection,
    hash: &[u8],
    successor_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update auth.refresh_tokens set consumed_at = $2, successor_hash = $3 where token_hash = $1",
        hash,
        now,
        successor_hash
    )
    .execute(connection)
    .await
    .map(|_| ())
}
