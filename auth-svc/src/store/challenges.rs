//! Proofs by mail.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::challenge::Lifetimes;

/// A challenge that may still be answered.
#[derive(Debug)]
pub struct Challenge {
    pub id: Uuid,
    pub user_id: Uuid,
    pub code_hash: Vec<u8>,
    pub code_expires_at: DateTime<Utc>,
    pub token_expires_at: DateTime<Utc>,
    pub attempts: i32,
}

/// What is stored of a new challenge.
#[derive(Debug)]
pub struct NewChallenge {
    pub id: Uuid,
    pub user_id: Uuid,
    pub token_hash: [u8; 32],
    pub code_hash: [u8; 32],
    pub lifetimes: Lifetimes,
    pub now: DateTime<Utc>,
}

/// Opens a challenge and closes the user's earlier ones.
pub async fn open(connection: &mut PgConnection, challenge: &NewChallenge) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update auth.challenges set closed_at = $2
           where user_id = $1 and purpose = 'verify_email' and closed_at is null"#,
        challenge.user_id,
        challenge.now
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"insert into auth.challenges (id, user_id, purpose, token_hash, code_hash, code_expires_at,
                                        token_expires_at, created_at)
           values ($1, $2, 'verify_email', $3, $4, $5, $6, $7)"#,
        challenge.id,
        challenge.user_id,
        &challenge.token_hash,
        &challenge.code_hash,
        challenge.lifetimes.code_expires_at,
        challenge.lifetimes.token_expires_at,
        challenge.now,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Whose token this is.
pub async fn user_of_token(
    connection: &mut PgConnection,
    token_hash: &[u8],
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select user_id from auth.challenges where token_hash = $1", token_hash)
        .fetch_optional(connection)
        .await
}

/// The open challenge with this token, locked.
pub async fn lock_by_token(
    connection: &mut PgConnection,
    token_hash: &[u8],
) -> Result<Option<Challenge>, sqlx::Error> {
    sqlx::query_as!(
        Challenge,
        r#"select id, user_id, code_hash, code_expires_at, token_expires_at, attempts
           from auth.challenges where token_hash = $1 and closed_at is null for update"#,
        token_hash
    )
    .fetch_optional(connection)
    .await
}

/// The user's open challenge, locked.
pub async fn lock_by_user(
    connection: &mut PgConnection,
    user_id: Uuid,
) -> Result<Option<Challenge>, sqlx::Error> {
    sqlx::query_as!(
        Challenge,
        r#"select id, user_id, code_hash, code_expires_at, token_expires_at, attempts
           from auth.challenges where user_id = $1 and purpose = 'verify_email' and closed_at is null
           order by created_at desc limit 1 for update"#,
        user_id
    )
    .fetch_optional(connection)
    .await
}

/// The challenge if it is still open.
pub async fn find_open(connection: &mut PgConnection, id: Uuid) -> Result<Option<Challenge>, sqlx::Error> {
    sqlx::query_as!(
        Challenge,
        r#"select id, user_id, code_hash, code_expires_at, token_expires_at, attempts
           from auth.challenges where id = $1 and closed_at is null"#,
        id
    )
    .fetch_optional(connection)
    .await
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
