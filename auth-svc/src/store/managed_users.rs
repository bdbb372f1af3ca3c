//! Users as administrators see them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug)]
pub struct ManagedUser {
    pub id: Uuid,
    pub email: String,
    pub username: Option<String>,
    pub first_name: String,
    pub last_name: String,
    /// One of unverified, active, locked, pending_deletion and erased.
    pub status: String,
    pub roles: Vec<String>,
    pub mfa_enabled: bool,
    pub open_sessions: i64,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: Option<DateTime<Utc>>,
    pub locked_at: Option<DateTime<Utc>>,
    pub erase_at: Option<DateTime<Utc>>,
    pub version: i64,
}

/// The filter of a user list; an absent field matches every user.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    pub id: Option<Uuid>,
    /// A LIKE pattern for the beginning of an email address or username.
    pub pattern: Option<String>,
    pub status: Option<String>,
    pub role: Option<String>,
}

/// Lists the users, the newest first.
pub async fn list(
    connection: &mut PgConnection,
    filter: &UserFilter,
    before: Option<Uuid>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<ManagedUser>, sqlx::Error> {
    sqlx::query_as!(
        ManagedUser,
        r#"select users.id, email, username, first_name, last_name, status as "status!", locked_at, erase_at,
                  created_at, version,
                  array(select role from auth.user_roles where user_id = users.id order by role) as "roles!",
                  exists (select from auth.totp where user_id = users.id and confirmed_at is not null)
                      as "mfa_enabled!",
                  (select count(*) from auth.sessions
                   where user_id = users.id and ended_at is null and idle_expires_at > $7 and expires_at > $7)
                      as "open_sessions!",
                  (select max(last_seen_at) from auth.sessions where user_id = users.id) as last_seen_at
           from auth.users,
                lateral (select case when erased_at is not null then 'erased'
                                     when locked_at is not null then 'locked'
                                     when erase_at is not null then 'pending_deletion'
                                     when email_verified_at is null then 'unverified'
                                     else 'active' end as status) as current
           where ($1::uuid is null or users.id = $1)
             and ($2::text is null or email_key like $2 or username_key like $2)
             and ($3::text is null or status = $3)
             and ($4::text is null
                  or exists (select from auth.user_roles where user_id = users.id and role = $4))
             and ($5::uuid is null or users.id < $5)
           order by users.id desc limit $6"#,
        filter.id,
        filter.pattern,
        filter.status,
        filter.role,
        before,
        limit,
        now,
    )
    .fetch_all(connection)
    .await
}

pub async fn find(
    connection: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<ManagedUser>, sqlx::Error> {
    let filter = UserFilter { id: Some(id), ..UserFilter::default() };
    Ok(list(connection, &filter, None, 1, now).await?.pop())
}
