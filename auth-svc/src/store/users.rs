//! Users with their roles.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::email::Email;
use crate::domain::profile::EditableProfile;

/// The user data that logins and registrations check.
#[derive(Debug)]
pub struct Credentials {
    pub id: Uuid,
    pub password_hash: String,
    pub email_verified: bool,
    /// The time at which an administrator locked the account.
    pub locked_at: Option<DateTime<Utc>>,
    /// The time at which the account will be erased; set while it is pending deletion.
    pub erase_at: Option<DateTime<Utc>>,
    pub erased_at: Option<DateTime<Utc>>,
    pub last_login_at: Option<DateTime<Utc>>,
    pub version: i64,
}

impl Credentials {
    /// Returns whether the correct password gives access to the account.
    pub fn may_log_in(&self) -> bool {
        self.locked_at.is_none() && self.erased_at.is_none()
    }
}

/// The data of a registration.
#[derive(Debug)]
pub struct NewUser<'a> {
    pub id: Uuid,
    pub email: &'a Email,
    pub username: Option<&'a str>,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub password_hash: &'a str,
    /// Encrypted.
    pub phone_number: Option<&'a str>,
    pub now: DateTime<Utc>,
}

/// A user's own profile.
#[derive(Debug)]
pub struct Profile {
    pub id: Uuid,
    pub email: String,
    pub username: Option<String>,
    pub first_name: String,
    pub last_name: String,
    /// Encrypted.
    pub phone_number: Option<String>,
    pub roles: Vec<String>,
    pub mfa_enabled: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// The recipient of an email.
#[derive(Debug)]
pub struct Recipient {
    pub email: String,
    pub first_name: String,
    pub locale: String,
    pub timezone: String,
    /// The household; absent before the address is verified.
    pub household_id: Option<Uuid>,
}

/// Returns the form of a username that is unique.
pub fn username_key(username: &str) -> String {
    username.to_ascii_lowercase()
}

/// Finds the verified user of an address.
pub async fn find_by_email(
    connection: &mut PgConnection,
    key: &str,
) -> Result<Option<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"select id, password_hash, email_verified_at is not null as "email_verified!", locked_at, erase_at,
                  erased_at, last_login_at, version
           from auth.users where email_key = $1 and email_verified_at is not null"#,
        key
    )
    .fetch_optional(connection)
    .await
}

/// Lists the unverified registrations of the address, the newest first.
pub async fn list_unverified_by_email(
    connection: &mut PgConnection,
    key: &str,
    limit: i64,
) -> Result<Vec<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"select id, password_hash, email_verified_at is not null as "email_verified!", locked_at, erase_at,
                  erased_at, last_login_at, version
           from auth.users where email_key = $1 and email_verified_at is null and erased_at is null
           order by id desc limit $2"#,
        key,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Serializes verifications of an address until the transaction ends.
/// Callers take this lock before they lock a user, so that registrations of one address do not
/// deadlock.
pub async fn lock_email(connection: &mut PgConnection, key: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('address ' || $1::text, 0))", key)
        .execute(connection)
        .await
        .map(|_| ())
}

pub async fn find_by_username(
    connection: &mut PgConnection,
    name: &str,
) -> Result<Option<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"select id, password_hash, email_verified_at is not null as "email_verified!", locked_at, erase_at,
                  erased_at, last_login_at, version
           from auth.users where username_key = $1"#,
        username_key(name)
    )
    .fetch_optional(connection)
    .await
}

pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"select id, password_hash, email_verified_at is not null as "email_verified!", locked_at, erase_at,
                  erased_at, last_login_at, version
           from auth.users where id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// Locks the user until the transaction ends.
/// It serializes what counts the user's sessions or codes, but does not block rows that refer to
/// the user.
pub async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<Option<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"select id, password_hash, email_verified_at is not null as "email_verified!", locked_at, erase_at,
                  erased_at, last_login_at, version
           from auth.users where id = $1 for no key update"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// Finds the verified user who holds the username.
pub async fn find_username_owner(
    connection: &mut PgConnection,
    username: &str,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select id from auth.users where username_key = $1", username_key(username))
        .fetch_optional(connection)
        .await
}

/// Inserts a registration; the address may have other registrations.
pub async fn insert(connection: &mut PgConnection, user: &NewUser<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into auth.users (id, email, email_key, username, first_name, last_name,
                                   password_hash, phone_number, created_at, updated_at, version)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 1)"#,
        user.id,
        user.email.as_str(),
        user.email.key(),
        user.username,
        user.first_name,
        user.last_name,
        user.password_hash,
        user.phone_number,
        user.now,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Marks the address as verified and adds the role `user`.
/// The user gets the requested username unless another user holds it. Returns the new version.
pub async fn verify(connection: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    sqlx::query!(
        "insert into auth.user_roles (user_id, role) values ($1, 'user') on conflict (user_id, role) do nothing",
        id
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query_scalar!(
        r#"with requested as (
               select case when not exists (select from auth.users where username_key = lower(own.username))
                           then own.username end as username
               from auth.users own where id = $1)
           update auth.users
           set email_verified_at = $2, updated_at = $2, erase_at = null, version = version + 1,
               username = requested.username, username_key = lower(requested.username)
           from requested where id = $1 returning version"#,
        id,
        now
    )
    .fetch_one(connection)
    .await
}

/// Updates the fields that a user may change; returns the new version.
pub async fn update_profile(
    connection: &mut PgConnection,
    id: Uuid,
    profile: &EditableProfile,
    phone_number: Option<&str>,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"update auth.users
           set first_name = $2, last_name = $3, username = $4, username_key = lower($4), phone_number = $5,
               updated_at = $6, version = version + 1
           where id = $1 returning version"#,
        id,
        profile.first_name,
        profile.last_name,
        profile.username,
        phone_number,
        now,
    )
    .fetch_one(connection)
    .await
}

/// Sets the email address; returns the new version.
pub async fn set_email(
    connection: &mut PgConnection,
    id: Uuid,
    email: &Email,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"update auth.users set email = $2, email_key = $3, updated_at = $4, version = version + 1
           where id = $1 returning version"#,
        id,
        email.as_str(),
        email.key(),
        now,
    )
    .fetch_one(connection)
    .await
}

/// Increments the version after a change outside the user's own columns.
/// Returns the new version.
pub async fn increment_version(
    connection: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "update auth.users set updated_at = $2, version = version + 1 where id = $1 returning version",
        id,
        now
    )
    .fetch_one(connection)
    .await
}

pub async fn set_last_login(
    connection: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth.users set last_login_at = $2 where id = $1", id, now)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Releases the address from all unverified registrations except one.
/// It closes their challenges and marks them for erasure. Returns the released users with their new
/// versions.
pub async fn release_unverified(
    connection: &mut PgConnection,
    email_key: &str,
    except: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    let released = sqlx::query!(
        r#"update auth.users set email_key = 'released ' || id, erase_at = $2, version = version + 1
           where email_key = $1 and email_verified_at is null and id is distinct from $3
           returning id, version"#,
        email_key,
        now,
        except
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<_> = released.iter().map(|user| user.id).collect();
    sqlx::query!(
        "update auth.challenges set closed_at = $2 where user_id = any($1) and closed_at is null",
        &ids,
        now
    )
    .execute(connection)
    .await?;
    Ok(released.into_iter().map(|user| (user.id, user.version)).collect())
}

pub async fn set_locked(
    connection: &mut PgConnection,
    id: Uuid,
    locked_at: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth.users set locked_at = $2 where id = $1", id, locked_at)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Sets the time at which the account will be erased; `None` keeps the account.
pub async fn set_erase_at(
    connection: &mut PgConnection,
    id: Uuid,
    erase_at: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth.users set erase_at = $2 where id = $1", id, erase_at)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Locks one user who is due for erasure, skipping users that a replica locked.
pub async fn lock_due_for_erasure(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id from auth.users where erase_at <= $1 and erased_at is null
           order by erase_at limit 1 for no key update skip locked"#,
        now
    )
    .fetch_optional(connection)
    .await
}

pub async fn set_erased(
    connection: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth.users set erased_at = $2 where id = $1", id, now)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Returns the time at which the account will be erased, if pending deletion.
pub async fn erase_at(connection: &mut PgConnection, id: Uuid) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let row = sqlx::query_scalar!("select erase_at from auth.users where id = $1", id)
        .fetch_optional(connection)
        .await?;
    Ok(row.flatten())
}

pub async fn set_password_hash(
    connection: &mut PgConnection,
    id: Uuid,
    hash: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth.users set password_hash = $2 where id = $1", id, hash)
        .execute(connection)
        .await
        .map(|_| ())
}

pub async fn profile(connection: &mut PgConnection, id: Uuid) -> Result<Option<Profile>, sqlx::Error> {
    sqlx::query_as!(
        Profile,
        r#"select id, email, username, first_name, last_name, phone_number, created_at, updated_at, version,
                  array(select role from auth.user_roles where user_id = users.id order by role) as "roles!",
                  exists (select from auth.totp where user_id = users.id and confirmed_at is not null)
                      as "mfa_enabled!"
           from auth.users where id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await
}

pub async fn recipient(connection: &mut PgConnection, id: Uuid) -> Result<Option<Recipient>, sqlx::Error> {
    sqlx::query_as!(
        Recipient,
        r#"select email, first_name, locale, timezone,
                  (select household_id from auth.memberships
                   where memberships.user_id = users.id order by household_id limit 1) as household_id
           from auth.users join auth.preferences on preferences.user_id = users.id
           where id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await
}
