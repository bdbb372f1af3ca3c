//! Second factors: seeds of time-based codes, and recovery codes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug)]
pub struct TotpRow {
    /// Encrypted.
    pub secret: String,
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// Finds the user's seed; the result is current only under the user's lock.
pub async fn find(connection: &mut PgConnection, user_id: Uuid) -> Result<Option<TotpRow>, sqlx::Error> {
    sqlx::query_as!(TotpRow, "select secret, confirmed_at from auth.totp where user_id = $1", user_id)
        .fetch_optional(connection)
        .await
}

/// Returns whether a login requires a second factor.
pub async fn is_enabled(connection: &mut PgConnection, user_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from auth.totp where user_id = $1 and confirmed_at is not null) as "is!""#,
        user_id
    )
    .fetch_one(connection)
    .await
}

/// Stores an enrollment; it replaces one that was not confirmed.
pub async fn enroll(
    connection: &mut PgConnection,
    user_id: Uuid,
    secret: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into auth.totp (user_id, secret, last_step, created_at) values ($1, $2, 0, $3)
           on conflict (user_id) do update set secret = excluded.secret, last_step = 0, created_at = $3
           where totp.confirmed_at is null"#,
        user_id,
        secret,
        now
    )
    .execute(connection)
    .await
    .map(|_| ())
}

pub async fn confirm(
    connection: &mut PgConnection,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth.totp set confirmed_at = $2 where user_id = $1", user_id, now)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Consumes the code of a step.
/// Returns false if this step or a later one was consumed before.
pub async fn consume_step(
    connection: &mut PgConnection,
    user_id: Uuid,
    step: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update auth.totp set last_step = $2 where user_id = $1 and last_step < $2",
        user_id,
        step
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes the seed and the recovery codes.
pub async fn delete(connection: &mut PgConnection, user_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from auth.recovery_codes where user_id = $1", user_id)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from auth.totp where user_id = $1", user_id).execute(connection).await.map(|_| ())
}

/// Replaces the user's recovery codes.
pub async fn set_recovery_codes(
    connection: &mut PgConnection,
    user_id: Uuid,
    hashes: &[Vec<u8>],
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from auth.recovery_codes where user_id = $1", user_id)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "insert into auth.recovery_codes (user_id, code_hash) select $1, unnest($2::bytea[])",
        user_id,
        hashes
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Consumes a recovery code.
/// Returns false if the code is unknown or was consumed before.
pub async fn consume_recovery_code(
    connection: &mut PgConnection,
    user_id: Uuid,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"update auth.recovery_codes set used_at = $3
           where user_id = $1 and code_hash = $2 and used_at is null"#,
        user_id,
        hash,
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
