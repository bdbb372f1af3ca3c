//! The email queue.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::email::Email;
use crate::domain::kind::NotificationKind;

/// Queues an email, unless the event already has one of this kind for the user.
pub async fn insert(
    connection: &mut PgConnection,
    email: &Email,
    event_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into notify.emails (id, event_id, user_id, kind, subject_id, state, due_at, created_at)
           values ($1, $2, $3, $4, $5, 'pending', $6, $6)
           on conflict (event_id, kind, user_id) do nothing"#,
        email.id,
        event_id,
        email.user_id,
        email.kind.name(),
        email.subject_id,
        now,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Leases up to `limit` emails that are due.
pub async fn claim(
    connection: &mut PgConnection,
    limit: i64,
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
) -> Result<Vec<Email>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"update notify.emails set leased_until = $3
           where id in (
               select id from notify.emails
               where state = 'pending' and due_at <= $2 and (leased_until is null or leased_until <= $2)
                 and kind = any($4)
               order by due_at limit $1
               for update skip locked)
           returning id, user_id, kind, subject_id, attempts"#,
        limit,
        now,
        leased_until,
        // Kinds that only a newer replica knows stay in the queue.
        &NotificationKind::ALL.map(|kind| kind.name().to_owned()),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = NotificationKind::from_name(&row.kind)
                .ok_or_else(|| sqlx::Error::Decode(format!("unknown email kind: {}", row.kind).into()))?;
            let (id, user_id, subject_id, attempts) = (row.id, row.user_id, row.subject_id, row.attempts);
            Ok(Email { id, user_id, kind, subject_id, attempts })
        })
        .collect()
}

/// The final state of an email.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailResult {
    Sent,
    /// The email was no longer needed.
    Dropped,
    /// The email was given up; operators can list and retry it.
    Failed,
}

impl EmailResult {
    fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

pub async fn finish(
    connection: &mut PgConnection,
    id: Uuid,
    result: EmailResult,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update notify.emails
           set state = $2, last_error = $3, settled_at = $4, leased_until = null where id = $1"#,
        id,
        result.name(),
        error,
        now
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Postpones an email to `due_at`.
pub async fn postpone(
    connection: &mut PgConnection,
    id: Uuid,
    attempts: i32,
    due_at: DateTime<Utc>,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update notify.emails set attempts = $2, due_at = $3, last_error = $4, leased_until = null where id = $1",
        id,
        attempts,
        due_at,
        error
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// An email that was given up; its address and text are not stored.
#[derive(Debug, Clone)]
pub struct FailedEmail {
    pub id: Uuid,
    pub user_id: Uuid,
    pub kind: String,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// Lists the emails that were given up, newest first, at most 1,000.
pub async fn list_failed(connection: &mut PgConnection) -> Result<Vec<FailedEmail>, sqlx::Error> {
    sqlx::query_as!(
        FailedEmail,
        r#"select id, user_id, kind, attempts, last_error, created_at from notify.emails
           where state = 'failed' order by created_at desc, id desc limit 1000"#
    )
    .fetch_all(connection)
    .await
}

/// Queues emails that were given up again; all of them if `ids` is empty.
pub async fn retry_failed(
    connection: &mut PgConnection,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"update notify.emails set state = 'pending', attempts = 0, due_at = $2, settled_at = null
           where state = 'failed' and (cardinality($1::uuid[]) = 0 or id = any($1))"#,
        ids,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
