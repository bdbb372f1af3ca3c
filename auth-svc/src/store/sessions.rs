//! Sessions.

use chrono::{DateTime, Utc};
use kit_access::caller::RequestOrigin;
use sqlx::PgConnection;
use uuid::Uuid;

/// The data that decides whether a session is live.
#[derive(Debug)]
pub struct Session {
    pub id: Uuid,
    pub user_id: Uuid,
    pub household_id: Uuid,
    pub idle_expires_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// The expiry of the session's last access token.
    pub access_expires_at: DateTime<Utc>,
    pub device_id: Option<Uuid>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Session {
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none() && now < self.idle_expires_at && now < self.expires_at
    }
}

pub async fn insert(
    connection: &mut PgConnection,
    session: &Session,
    origin: &RequestOrigin,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into auth.sessions (id, user_id, household_id, device_id, client_ip, user_agent, created_at,
                                      last_seen_at, idle_expires_at, expires_at, authenticated_at,
                                      access_expires_at)
           values ($1, $2, $3, $4, $5::text::inet, $6, $7, $7, $8, $9, $7, $10)"#,
        session.id,
        session.user_id,
        session.household_id,
        session.device_id,
        origin.client.ip.map(|ip| ip.to_string()),
        origin.client.user_agent,
        now,
        session.idle_expires_at,
        session.expires_at,
        session.access_expires_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Lists the users and ids of open sessions, in order of session id.
/// Only sessions that were created by `created_before` are listed.
pub async fn list_open_after(
    connection: &mut PgConnection,
    created_before: DateTime<Utc>,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id, user_id from auth.sessions
           where ended_at is null and created_at <= $1 and id > $2 order by id limit $3"#,
        created_before,
        after,
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.id)).collect())
}

/// Returns the time of the session's last login or reauthentication.
pub async fn authenticated_at(
    connection: &mut PgConnection,
    id: Uuid,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!("select authenticated_at from auth.sessions where id = $1", id)
        .fetch_optional(connection)
        .await
}

pub async fn set_authenticated_at(
    connection: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth.sessions set authenticated_at = $2 where id = $1", id, now)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Locks the session.
pub async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<Option<Session>, sqlx::Error> {
    sqlx::query_as!(
        Session,
        r#"select id, user_id, household_id, idle_expires_at, expires_at, access_expires_at, device_id, ended_at
           from auth.sessions where id = $1 for update"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// Locks the user's open sessions in order of id; returns the newest first.
/// A session is open until it is ended, even if it has expired.
pub async fn lock_open(connection: &mut PgConnection, user_id: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    let mut sessions = sqlx::query!(
        "select id, created_at from auth.sessions where user_id = $1 and ended_at is null order by id for update",
        user_id
    )
    .fetch_all(connection)
    .await?;
    sessions.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
    Ok(sessions.into_iter().map(|session| session.id).collect())
}

pub async fn touch(
    connection: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
    idle_expires_at: DateTime<Utc>,
    access_expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update auth.sessions
           set last_seen_at = $2, idle_expires_at = $3, access_expires_at = greatest(access_expires_at, $4)
           where id = $1"#,
        id,
        now,
        idle_expires_at,
        access_expires_at
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Ends the session; returns false if it had ended before.
pub async fn end(connection: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query!("update auth.sessions set ended_at = $2 where id = $1 and ended_at is null", id, now)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// A session as its user sees it.
#[derive(Debug)]
pub struct SessionSummary {
    pub id: Uuid,
    pub device_id: Option<Uuid>,
    pub device_name: String,
    pub client_ip: Option<String>,
    pub user_agent: String,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    /// The expiry of the session without another refresh.
    pub expires_at: DateTime<Utc>,
}

/// Lists the user's live sessions, the most recently seen first.
pub async fn list_live(
    connection: &mut PgConnection,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<SessionSummary>, sqlx::Error> {
    sqlx::query_as!(
        SessionSummary,
        r#"select sessions.id, device_id, coalesce(devices.name, '') as "device_name!",
                  host(sessions.client_ip) as client_ip, sessions.user_agent, created_at,
                  sessions.last_seen_at, least(idle_expires_at, expires_at) as "expires_at!"
           from auth.sessions left join auth.devices on devices.id = device_id
           where sessions.user_id = $1 and ended_at is null and idle_expires_at > $2 and expires_at > $2
           order by sessions.last_seen_at desc, sessions.id desc"#,
        user_id,
        now
    )
    .fetch_all(connection)
    .await
}

/// Lists the user's open sessions on a device.
pub async fn list_open_on_device(
    connection: &mut PgConnection,
    user_id: Uuid,
    device_id: Uuid,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id from auth.sessions where user_id = $1 and device_id = $2 and ended_at is null
           order by id"#,
        user_id,
        device_id
    )
    .fetch_all(connection)
    .await
}

/// Finds the device of a session.
pub async fn find_device(connection: &mut PgConnection, id: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    let row = sqlx::query_scalar!("select device_id from auth.sessions where id = $1", id)
        .fetch_optional(connection)
        .await?;
    Ok(row.flatten())
}
