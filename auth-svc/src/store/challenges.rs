//! Email challenges. A user has at most one open challenge per purpose.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::challenge::{ExpiryTimes, Purpose};
use crate::domain::email::Email;

/// An open challenge.
#[derive(Debug)]
pub struct Challenge {
    pub id: Uuid,
    pub user_id: Uuid,
    pub purpose: Purpose,
    /// The new address of an email change.
    pub email: Option<String>,
    pub code_hash: Vec<u8>,
    pub code_expires_at: DateTime<Utc>,
    pub token_expires_at: DateTime<Utc>,
    pub attempts: i32,
}

/// The stored data of a new challenge.
#[derive(Debug)]
pub struct NewChallenge<'a> {
    pub id: Uuid,
    pub user_id: Uuid,
    pub purpose: Purpose,
    pub email: Option<&'a Email>,
    pub token_hash: [u8; 32],
    pub code_hash: [u8; 32],
    pub expiry_times: ExpiryTimes,
    pub now: DateTime<Utc>,
}

/// Inserts a challenge and closes the user's earlier ones of that purpose.
pub async fn insert(connection: &mut PgConnection, challenge: &NewChallenge<'_>) -> Result<(), sqlx::Error> {
    close_all(connection, challenge.user_id, challenge.purpose, challenge.now).await?;
    sqlx::query!(
        r#"insert into auth.challenges (id, user_id, purpose, email, email_key, token_hash, code_hash,
                                        code_expires_at, token_expires_at, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"#,
        challenge.id,
        challenge.user_id,
        challenge.purpose as Purpose,
        challenge.email.map(Email::as_str),
        challenge.email.map(Email::key),
        &challenge.token_hash,
        &challenge.code_hash,
        challenge.expiry_times.code_expires_at,
        challenge.expiry_times.token_expires_at,
        challenge.now,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Closes the user's open challenges of `purpose`.
pub async fn close_all(
    connection: &mut PgConnection,
    user_id: Uuid,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update auth.challenges set closed_at = $3 where user_id = $1 and purpose = $2 and closed_at is null",
        user_id,
        purpose as Purpose,
        now
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Finds the user of a token.
pub async fn find_user_by_token(
    connection: &mut PgConnection,
    token_hash: &[u8],
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select user_id from auth.challenges where token_hash = $1", token_hash)
        .fetch_optional(connection)
        .await
}

/// Finds the key of the email address that a token verifies.
pub async fn find_email_key_by_token(
    connection: &mut PgConnection,
    token_hash: &[u8],
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select coalesce(challenges.email_key, users.email_key) as "key!"
           from auth.challenges join auth.users on users.id = user_id where token_hash = $1"#,
        token_hash
    )
    .fetch_optional(connection)
    .await
}

/// Returns whether the user of this token has verified its address.
/// A repeated use of the link then succeeds.
pub async fn has_verified(
    connection: &mut PgConnection,
    token_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from auth.challenges join auth.users on users.id = user_id
               where token_hash = $1 and closed_at is not null and token_expires_at > $2
                 and purpose in ('verify_email', 'change_email')
                 and email_verified_at is not null and erased_at is null
                 and coalesce(challenges.email_key, users.email_key) = users.email_key) as "verified!""#,
        token_hash,
        now
    )
    .fetch_one(connection)
    .await
}

/// Lists unexpired codes of an address that its user has verified since.
pub async fn list_consumed_codes(
    connection: &mut PgConnection,
    email_key: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, Vec<u8>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select challenges.id, code_hash
           from auth.challenges join auth.users on users.id = user_id
           where users.email_key = $1 and email_verified_at is not null and closed_at is not null
             and code_expires_at > $2 and purpose in ('verify_email', 'change_email')
             and coalesce(challenges.email_key, users.email_key) = users.email_key
           order by challenges.created_at desc limit 5"#,
        email_key,
        now
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.code_hash)).collect())
}

/// Lists the users who requested a change to this address.
pub async fn list_users_by_new_email(
    connection: &mut PgConnection,
    key: &str,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select user_id from auth.challenges
           where email_key = $1 and purpose = 'change_email' and closed_at is null order by user_id limit 10"#,
        key
    )
    .fetch_all(connection)
    .await
}

/// Locks the open challenge with this token.
pub async fn lock_by_token(
    connection: &mut PgConnection,
    token_hash: &[u8],
) -> Result<Option<Challenge>, sqlx::Error> {
    sqlx::query_as!(
        Challenge,
        r#"select id, user_id, purpose as "purpose: Purpose", email, code_hash, code_expires_at, token_expires_at,
                  attempts
           from auth.challenges where token_hash = $1 and closed_at is null for update"#,
        token_hash
    )
    .fetch_optional(connection)
    .await
}

/// Locks the user's open challenge of `purpose`.
pub async fn lock_by_user(
    connection: &mut PgConnection,
    user_id: Uuid,
    purpose: Purpose,
) -> Result<Option<Challenge>, sqlx::Error> {
    sqlx::query_as!(
        Challenge,
        r#"select id, user_id, purpose as "purpose: Purpose", email, code_hash, code_expires_at, token_expires_at,
                  attempts
           from auth.challenges where user_id = $1 and purpose = $2 and closed_at is null
           order by created_at desc limit 1 for update"#,
        user_id,
        purpose as Purpose,
    )
    .fetch_optional(connection)
    .await
}

/// Finds a challenge that is open.
pub async fn find_open(connection: &mut PgConnection, id: Uuid) -> Result<Option<Challenge>, sqlx::Error> {
    sqlx::query_as!(
        Challenge,
        r#"select id, user_id, purpose as "purpose: Purpose", email, code_hash, code_expires_at, token_expires_at,
                  attempts
           from auth.challenges where id = $1 and closed_at is null"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// Finds the new address of a user's pending email change.
pub async fn pending_email(
    connection: &mut PgConnection,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select email as "email!" from auth.challenges
           where user_id = $1 and purpose = 'change_email' and closed_at is null and token_expires_at > $2
           order by created_at desc limit 1"#,
        user_id,
        now
    )
    .fetch_optional(connection)
    .await
}

/// Finds the user and the previous address of a confirmed email change.
pub async fn find_previous_email(
    connection: &mut PgConnection,
    id: Uuid,
) -> Result<Option<(Uuid, String)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select user_id, previous_email as "previous_email!" from auth.challenges
           where id = $1 and previous_email is not null"#,
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.user_id, row.previous_email)))
}

/// Stores the previous address, to notify it of the change.
pub async fn set_previous_email(
    connection: &mut PgConnection,
    id: Uuid,
    email: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth.challenges set previous_email = $2 where id = $1", id, email)
        .execute(connection)
        .await
        .map(|_| ())
}

pub async fn count_attempt(connection: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth.challenges set attempts = attempts + 1 where id = $1", id)
        .execute(connection)
        .await
        .map(|_| ())
}

pub async fn close(connection: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth.challenges set closed_at = $2 where id = $1", id, now)
        .execute(connection)
        .await
        .map(|_| ())
}
