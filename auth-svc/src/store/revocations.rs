//! Ended sessions whose access tokens verifiers must reject.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

pub async fn insert(
    connection: &mut PgConnection,
    session_id: Uuid,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into auth.revocations (session_id, revoked_at, expires_at) values ($1, $2, $3)
           on conflict (session_id) do nothing"#,
        session_id,
        now,
        expires_at
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Lists the unexpired revocations since an instant.
pub async fn list_since(
    connection: &mut PgConnection,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, DateTime<Utc>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select session_id, expires_at from auth.revocations where revoked_at >= $1 and expires_at > $2",
        since,
        now
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.session_id, row.expires_at)).collect())
}
