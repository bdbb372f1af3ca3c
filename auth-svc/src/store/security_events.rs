//! Security events, which inform users about the safety of their accounts.

use chrono::{DateTime, Utc};
use kit_access::caller::RequestOrigin;
use sqlx::PgConnection;
use uuid::Uuid;

/// A new security event.
#[derive(Debug)]
pub struct SecurityEvent<'a> {
    pub id: Uuid,
    /// The user; absent when a login names an unknown user.
    pub user_id: Option<Uuid>,
    /// The kind, e.g. `login_failed` or `refresh_token_reused`.
    pub kind: &'a str,
    pub session_id: Option<Uuid>,
    /// The permission that was denied; empty for other kinds.
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

/// A recorded security event.
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

/// The filter of a list; an absent field matches every event.
#[derive(Debug, Clone, Default)]
pub struct SecurityEventFilter {
    pub user_id: Option<Uuid>,
    pub kind: Option<String>,
    pub from: Option<DateTime<Utc>>,
    /// The exclusive upper limit.
    pub to: Option<DateTime<Utc>>,
}

/// Lists the security events of one user, the newest first.
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

/// Lists the security events of all users, the newest first.
pub async fn list(
    connection: &mut PgConnection,
    filter: &SecurityEventFilter,
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
