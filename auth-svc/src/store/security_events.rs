//! What a user should know about his account's safety.

use chrono::{DateTime, Utc};
use fintrac_kit::access::caller::Origin;
use sqlx::PgConnection;
use uuid::Uuid;

/// Records `kind`: `login_failed`, `refresh_token_reused` …
pub async fn insert(
    connection: &mut PgConnection,
    id: Uuid,
    user_id: Option<Uuid>,
    kind: &str,
    session_id: Option<Uuid>,
    origin: &Origin,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into auth.security_events (id, user_id, kind, session_id, client_ip, user_agent, request_id,
                                             occurred_at)
           values ($1, $2, $3, $4, $5::text::inet, $6, $7, $8)"#,
        id,
        user_id,
        kind,
        session_id,
        origin.client.ip.map(|ip| ip.to_string()),
        origin.client.user_agent,
        origin.request_id,
        now,
    )
    .execute(connection)
    .await
    .map(|_| ())
}
