//! Keys that sign access tokens.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

#[derive(Debug)]
pub struct SigningKey {
    pub kid: String,
    pub public_key: Vec<u8>,
    /// Encrypted PKCS #8.
    pub private_key: String,
}

/// All keys, the newest first: it signs.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<SigningKey>, sqlx::Error> {
    sqlx::query_as!(
        SigningKey,
        "select kid, public_key, private_key from auth.signing_keys order by created_at desc, kid"
    )
    .fetch_all(connection)
    .await
}

/// Replicas that start at once must not each make a first key: the second one waits here.
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
        "insert into auth.signing_keys (kid, public_key, private_key, created_at) values ($1, $2, $3, $4)",
        key.kid,
        key.public_key,
        key.private_key,
        now
    )
    .execute(connection)
    .await
    .map(|_| ())
}
