//! What a user should know about his account's safety.

use chrono::{DateTime, Utc};
use fintrac_kit::access::caller::RequestOrigin;
use sqlx::PgConnection;
use uuid::Uuid;

/// Something that happened.
#[derive(Debug)]
pub struct SecurityEvent<'a> {
    pub id: Uuid,
    /// Nobody, when nobody is known by the name that was given.
    pub user_id: Option<Uuid>,
    /// `login_failed`, `refresh_token_reused` …
    pub kind: &'a str,
    pub session_id: Option<Uuid>,
    /// More on it, in words of ours: the permission that was refused.
    pub detail: &'a str,
    pub occurred_at: DateTime<Utc>,
}

pub async fn insert(
    connection: &mut PgConnection,
    event: &SecurityEvent<'_>,
    origin: &RequestOrigin,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into auth.security_events (id, user_id, kind, session_id, detail, client_ip, user_agent,
                                             request_id, occurred_at)
           values ($1, $2, $3, $4, $5, $6::text::inet, $7, $8, $9)"#,
        event.id,
        event.user_id,
        event.kind,
        event.session_id,
        event.detail,
        origin.client.ip.map(|ip| ip.to_string()),
        origin.client.user_agent,
        origin.request_id,
        event.occurred_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// The same as it was recorded.
#[derive(Debug)]
pub struct SecurityEventRow {
    pub id: Uuid,
    pub user_id: Option<Uuid>,
    pub kind: String,
    pub session_id: Option<Uuid>,
    pub detail: String,
    pub client_ip: Option<String>,
    pub user_agent: String,
    pub request_id: String,
    pub occurred_at: DateTime<Utc>,
}

/// Which of them somebody wants; absent: any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub user_id: Option<Uuid>,
    pub kind: Option<String>,
    pub from: Option<DateTime<Utc>>,
    /// Before it.
    pub to: Option<DateTime<Utc>>,
}

/// Newest first, of one user.
pub async fn list_for_user(
    connection: &mut PgConnection,
    user_id: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SecurityEventRow>, sqlx::Error> {
    sqlx::query_as!(
        SecurityEventRow,
        r#"select id, user_id, kind, session_id, detail, host(client_ip) as client_ip, user_agent, request_id,
                  occurred_at
           from auth.security_events where user_id = $1 and ($2::uuid is null or id < $2)
           order by id desc limit $3"#,
        user_id,
        before,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Newest first, of everybody.
pub async fn list(
    connection: &mut PgConnection,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SecurityEventRow>, sqlx::Error> {
    sqlx::query_as!(
        SecurityEventRow,
        r#"select id, user_id, kind, session_id, detail, host(client_ip) as client_ip, user_agent, request_id,
                  occurred_at
           from auth.security_events
           where ($1::uuid is null or user_id = $1) and ($2::text is null or kind = $2)
             and ($3::timestamptz is null or occurred_at >= $3)
             and ($4::timestamptz is null or occurred_at < $4)
             and ($5::uuid is null or id < $5)
           order by id desc limit $6"#,
        filter.user_id,
        filter.kind,
        filter.from,
        filter.to,
        before,
        limit
    )
    .fetch_all(connection)
    .await
}
