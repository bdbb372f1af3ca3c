//! Stores the emails and queues their delivery.

use chrono::{DateTime, Utc};
use kit_jobs::Queue;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::email::Email;

/// The queue of emails to send.
pub const EMAILS: Queue<Uuid> = Queue::new("emails");

/// A stored email; this version of the service may not know its kind.
#[derive(Debug)]
pub struct QueuedEmail {
    pub id: Uuid,
    pub user_id: Uuid,
    pub kind: String,
    pub subject_id: Uuid,
}

/// Queues an email, unless the event already has one of this kind for the user.
pub async fn insert(
    connection: &mut PgConnection,
    email: &Email,
    event_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let inserted = sqlx::query!(
        r#"insert into notify.emails (id, event_id, user_id, kind, subject_id, state, created_at)
           values ($1, $2, $3, $4, $5, 'pending', $6)
           on conflict (event_id, kind, user_id) do nothing"#,
        email.id,
        event_id,
        email.user_id,
        email.kind.name(),
        email.subject_id,
        now,
    )
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 1 {
        EMAILS.enqueue(connection, [email.id], now).await?;
    }
    Ok(())
}

/// Finds an email that is neither sent nor dropped.
pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<QueuedEmail>, sqlx::Error> {
    sqlx::query_as!(
        QueuedEmail,
        r#"select id, user_id, kind, subject_id from notify.emails
           where id = $1 and state in ('pending', 'failed')"#,
        id,
    )
    .fetch_optional(connection)
    .await
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
    pub fn name(self) -> &'static str {
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
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update notify.emails set state = $2, settled_at = $3 where id = $1", id, result.name(), now)
        .execute(connection)
        .await
        .map(|_| ())
}
