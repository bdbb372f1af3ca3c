//! Keys that sign access tokens.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

#[derive(Debug)]
pub struct SigningKey {
    pub kid: String,
    pub public_key: Vec<u8>,
    /// Encrypted PKCS #8.
    pub private_key: String,
    /// The time from which the key signs; verifiers receive it before.
    pub active_from: DateTime<Utc>,
}

/// Lists all keys, the newest first; the first active one signs.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<SigningKey>, sqlx::Error> {
    sqlx::query_as!(
        SigningKey,
        "select kid, public_key, private_key, active_from from auth.signing_keys order by active_from desc, kid"
    )
    .fetch_all(connection)
    .await
}

/// Serializes the creation of keys, so that replicas create one first key only.
pub async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('auth.signing_keys'))")
        .execute(connection)
        .await
        .map(|_| ())
}

pub async fn insert(
    connection: &mut PgConnection,
    key: &SigningKey,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into auth.signing_keys (kid, public_key, private_key, created_at, active_from) values ($1, $2, $3, $4, $5)",
        key.kid,
        key.public_key,
        key.private_key,
        now,
        key.active_from
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Deletes keys whose successor became active before `active_before`.
pub async fn delete_superseded(
    connection: &mut PgConnection,
    active_before: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"delete from auth.signing_keys old where exists (
               select from auth.signing_keys new
               where new.active_from > old.active_from and new.active_from < $1)"#,
        active_before
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes all keys except one.
pub async fn delete_others(connection: &mut PgConnection, kid: &str) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!("delete from auth.signing_keys where kid <> $1", kid).execute(connection).await?;
    Ok(done.rows_affected())
}
