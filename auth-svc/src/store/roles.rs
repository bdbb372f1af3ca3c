//! Custom roles and the roles of users.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::role::Role;

struct RoleRow {
    name: String,
    permissions: Vec<String>,
    version: i64,
}

impl From<RoleRow> for Role {
    fn from(row: RoleRow) -> Self {
        let permissions = row.permissions.into_iter().collect();
        Self { name: row.name, permissions, is_built_in: false, version: row.version }
    }
}

/// Serializes changes of roles, role assignments and administrators.
/// The state that they are checked against stays unchanged until the transaction ends.
pub async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('auth.roles'))").execute(connection).await.map(|_| ())
}

/// Lists the custom roles by name.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Role>, sqlx::Error> {
    let rows = sqlx::query_as!(
        RoleRow,
        "select name, permissions, version from auth.roles order by name limit 1000"
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Role::from).collect())
}

pub async fn find(connection: &mut PgConnection, name: &str) -> Result<Option<Role>, sqlx::Error> {
    let row =
        sqlx::query_as!(RoleRow, "select name, permissions, version from auth.roles where name = $1", name)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(Role::from))
}

pub async fn insert(
    connection: &mut PgConnection,
    role: &Role,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into auth.roles (name, permissions, version, created_at, updated_at)
           values ($1, $2, $3, $4, $4)"#,
        role.name,
        &role.permissions.iter().cloned().collect::<Vec<_>>(),
        role.version,
        now
    )
    .execute(connection)
    .await
    .map(|_| ())
}

pub async fn update(
    connection: &mut PgConnection,
    role: &Role,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update auth.roles set permissions = $2, version = $3, updated_at = $4 where name = $1",
        role.name,
        &role.permissions.iter().cloned().collect::<Vec<_>>(),
        role.version,
        now
    )
    .execute(connection)
    .await
    .map(|_| ())
}

pub async fn delete(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from auth.roles where name = $1", name).execute(connection).await.map(|_| ())
}

/// Returns whether a user has the role.
pub async fn is_in_use(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from auth.user_roles where role = $1) as "is!""#, name)
        .fetch_one(connection)
        .await
}

/// Lists the names of the user's roles.
pub async fn list_for_user(
    connection: &mut PgConnection,
    user_id: Uuid,
) -> Result<BTreeSet<String>, sqlx::Error> {
    let names = sqlx::query_scalar!("select role from auth.user_roles where user_id = $1", user_id)
        .fetch_all(connection)
        .await?;
    Ok(names.into_iter().collect())
}

pub async fn set_for_user(
    connection: &mut PgConnection,
    user_id: Uuid,
    names: &BTreeSet<String>,
) -> Result<(), sqlx::Error> {
    let names: Vec<_> = names.iter().cloned().collect();
    sqlx::query!("delete from auth.user_roles where user_id = $1 and role <> all($2)", user_id, &names)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        r#"insert into auth.user_roles (user_id, role) select $1, unnest($2::text[])
           on conflict (user_id, role) do nothing"#,
        user_id,
        &names
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Returns whether another user is an administrator who can log in.
pub async fn has_other_admin(connection: &mut PgConnection, user_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from auth.user_roles join auth.users on users.id = user_roles.user_id
               where role = 'admin' and users.id <> $1 and locked_at is null and erase_at is null
                 and erased_at is null and email_verified_at is not null) as "has!""#,
        user_id
    )
    .fetch_one(connection)
    .await
}
