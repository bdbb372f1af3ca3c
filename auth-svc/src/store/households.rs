//! Households and their members.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// The household data for other services.
#[derive(Debug)]
pub struct Household {
    pub id: Uuid,
    pub currency_code: String,
    pub timezone: String,
    /// The owner's language.
    pub locale: String,
}

/// Inserts a household with `owner` as its owner.
pub async fn insert(
    connection: &mut PgConnection,
    household_id: Uuid,
    owner: Uuid,
    currency_code: &str,
    timezone: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into auth.households (id, currency_code, timezone, created_at, version)
           values ($1, $2, $3, $4, 1)"#,
        household_id,
        currency_code,
        timezone,
        now
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into auth.memberships (household_id, user_id, role) values ($1, $2, 'owner')",
        household_id,
        owner
    )
    .execute(connection)
    .await
    .map(|_| ())
}

pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
) -> Result<Option<Household>, sqlx::Error> {
    sqlx::query_as!(
        Household,
        r#"select households.id, households.currency_code, households.timezone, preferences.locale
           from auth.households
           join auth.memberships on memberships.household_id = households.id and memberships.role = 'owner'
           join auth.preferences on preferences.user_id = memberships.user_id
           where households.id = $1"#,
        household_id
    )
    .fetch_optional(connection)
    .await
}

/// Returns the preferred currency of a member.
pub async fn default_currency(
    connection: &mut PgConnection,
    household_id: Uuid,
    user_id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select default_currency from auth.memberships join auth.preferences using (user_id)
           where household_id = $1 and user_id = $2"#,
        household_id,
        user_id
    )
    .fetch_optional(connection)
    .await
}

/// Sets the time zone of the user's households; returns their new versions.
pub async fn set_timezone(
    connection: &mut PgConnection,
    owner: Uuid,
    timezone: &str,
) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"update auth.households set timezone = $2, version = version + 1
           where id in (select household_id from auth.memberships where user_id = $1 and role = 'owner')
             and timezone <> $2
           returning id, version"#,
        owner,
        timezone
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
}

/// Finds the household of a user; each user has one in this version.
pub async fn find_by_user(connection: &mut PgConnection, user_id: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select household_id from auth.memberships where user_id = $1 order by household_id limit 1",
        user_id
    )
    .fetch_optional(connection)
    .await
}

/// Lists the households that a user owns.
pub async fn list_owned_by(connection: &mut PgConnection, user_id: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select household_id from auth.memberships where user_id = $1 and role = 'owner'
           order by household_id"#,
        user_id
    )
    .fetch_all(connection)
    .await
}

/// Lists households with members, at most 1,000 of those after `after`.
pub async fn list(connection: &mut PgConnection, after: Uuid) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id, timezone from auth.households
           where id > $1 and exists (select from auth.memberships where household_id = households.id)
           order by id limit 1000"#,
        after
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.timezone)).collect())
}
