//! The queue of mails.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::kind::Kind;
use crate::domain::mail::Mail;

/// Queues a mail; a second one for the same event and user changes nothing.
pub async fn insert(
    connection: &mut PgConnection,
    mail: &Mail,
    event_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into notify.mails (id, event_id, user_id, kind, subject_id, state, due_at, created_at)
           values ($1, $2, $3, $4, $5, 'pending', $6, $6)
           on conflict (event_id, kind, user_id) do nothing"#,
        mail.id,
        event_id,
        mail.user_id,
        mail.kind.name(),
        mail.subject_id,
        now,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Leases up to `limit` mails that are due.
pub async fn claim(
    connection: &mut PgConnection,
    limit: i64,
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
) -> Result<Vec<Mail>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"update notify.mails set leased_until = $3
           where id in (
               select id from notify.mails
               where state = 'pending' and due_at <= $2 and (leased_until is null or leased_until <= $2)
                 and kind = any($4)
               order by due_at limit $1
               for update skip locked)
           returning id, user_id, kind, subject_id, attempts"#,
        limit,
        now,
        leased_until,
        // A newer replica may know more.
        &Kind::ALL.map(|kind| kind.name().to_owned()),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = Kind::from_name(&row.kind)
                .ok_or_else(|| sqlx::Error::Decode(format!("unknown kind of mail: {}", row.kind).into()))?;
            let (id, user_id, subject_id, attempts) = (row.id, row.user_id, row.subject_id, row.attempts);
            Ok(Mail { id, user_id, kind, subject_id, attempts })
        })
        .collect()
}

/// How a mail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Sent,
    /// There was nothing left to say.
    Dropped,
    /// Given up; an operator sees it.
    Dead,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Dropped => "dropped",
            Self::Dead => "dead",
        }
    }
}

pub async fn settle(
    connection: &mut PgConnection,
    id: Uuid,
    end: End,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update notify.mails
           set state = $2, last_error = $3, settled_at = $4, leased_until = null where id = $1"#,
        id,
        end.name(),
        error,
        now
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Puts a mail back for later.
pub async fn postpone(
    connection: &mut PgConnection,
    id: Uuid,
    attempts: i32,
    due_at: DateTime<Utc>,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update notify.mails set attempts = $2, due_at = $3, last_error = $4, leased_until = null where id = $1",
        id,
        attempts,
        due_at,
        error
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// A mail that was given up. Neither its address nor its words are known here.
#[derive(Debug, Clone)]
pub struct DeadMail {
    pub id: Uuid,
    pub user_id: Uuid,
    pub kind: String,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// Those that were given up, newest first, at most 1,000.
pub async fn dead(connection: &mut PgConnection) -> Result<Vec<DeadMail>, sqlx::Error> {
    sqlx::query_as!(
        DeadMail,
        r#"select id, user_id, kind, attempts, last_error, created_at from notify.mails
           where state = 'dead' order by created_at desc, id desc limit 1000"#
    )
    .fetch_all(connection)
    .await
}

/// Queues mails that were given up anew; all of them without ids.
pub async fn revive(
    connection: &mut PgConnection,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"update notify.mails set state = 'pending', attempts = 0, due_at = $2, settled_at = null
           where state = 'dead' and (cardinality($1::uuid[]) = 0 or id = any($1))"#,
        ids,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
