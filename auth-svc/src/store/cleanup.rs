//! Deletes expired rows.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::domain::throttle;
use crate::store::signing_keys;

/// The retention of ended sessions, which document past logins.
const SESSION_RETENTION: TimeDelta = TimeDelta::days(30);
/// The retention of superseded signing keys, longer than any token's lifetime.
const SIGNING_KEY_RETENTION: TimeDelta = TimeDelta::hours(25);
/// The retention of security events, the same as of the event log.
const SECURITY_EVENT_RETENTION: TimeDelta = TimeDelta::days(396);
/// The retention of failed logins of unknown users.
const ANONYMOUS_EVENT_RETENTION: TimeDelta = TimeDelta::days(30);
/// Retention of unverified registrations: twice the lifetime of an email's link.
const REGISTRATION_RETENTION: TimeDelta = TimeDelta::days(2);
const CHALLENGE_RETENTION: TimeDelta = TimeDelta::days(7);
/// The number of rows per statement; loops process the rest.
const BATCH_SIZE: i64 = 1000;

/// Deletes expired sessions, tokens, revocations, challenges and throttles.
pub async fn run(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    loop {
        // Tokens first: a session without tokens is harmless, and the next iteration deletes it.
        let sessions = sqlx::query_scalar!(
            r#"with old as (
                   select id from auth.sessions
                   where least(ended_at, idle_expires_at, expires_at) < $1 limit $2),
               tokens as (delete from auth.refresh_tokens where session_id in (select id from old))
               select id from old"#,
            now - SESSION_RETENTION,
            BATCH_SIZE
        )
        .fetch_all(&mut *connection)
        .await?;
        sqlx::query!("delete from auth.sessions where id = any($1)", &sessions)
            .execute(&mut *connection)
            .await?;
        if sessions.is_empty() {
            break;
        }
    }
    sqlx::query!("delete from auth.revocations where expires_at < $1", now).execute(&mut *connection).await?;
    sqlx::query!("delete from auth.challenges where token_expires_at < $1", now - CHALLENGE_RETENTION)
        .execute(&mut *connection)
        .await?;
    signing_keys::delete_superseded(connection, now - SIGNING_KEY_RETENTION).await?;
    sqlx::query!(
        "delete from auth.throttles where updated_at < $1 and blocked_until < $2",
        now - throttle::RETENTION,
        now
    )
    .execute(&mut *connection)
    .await?;
    release_registrations(connection, now).await?;
    delete_security_events(connection, now).await
}

/// Marks old unverified registrations for erasure; verification cancels it.
async fn release_registrations(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    loop {
        let done = sqlx::query!(
            r#"update auth.users set erase_at = $1 where id in (
                   select id from auth.users
                   where email_verified_at is null and erase_at is null and erased_at is null
                     and updated_at < $2 limit $3)"#,
            now,
            now - REGISTRATION_RETENTION,
            BATCH_SIZE
        )
        .execute(&mut *connection)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(());
        }
    }
}

async fn delete_security_events(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    loop {
        let done = sqlx::query!(
            r#"delete from auth.security_events where id in (
                   select id from auth.security_events
                   where occurred_at < $1 or (user_id is null and occurred_at < $2) limit $3)"#,
            now - SECURITY_EVENT_RETENTION,
            now - ANONYMOUS_EVENT_RETENTION,
            BATCH_SIZE
        )
        .execute(&mut *connection)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(());
        }
    }
}
