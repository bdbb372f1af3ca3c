//! The two database roles of a service.
//!
//! `<schema>_owner` runs migrations and `<schema>_app` serves requests. The application role owns
//! nothing and has no access to another schema.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use kit_core::key_derivation::derive_key;
use sqlx::{AssertSqlSafe, PgConnection};

/// Returns the name of the role that owns `schema`.
pub fn owner_role(schema: &str) -> String {
    format!("{schema}_owner")
}

/// Returns the name of the role that serves requests from `schema`.
pub fn app_role(schema: &str) -> String {
    format!("{schema}_app")
}

/// Derives the password of `role` from the system's secret.
pub fn role_password(secret: &str, role: &str) -> String {
    BASE64.encode(derive_key(secret.as_bytes(), format!("database role {role}").as_bytes()))
}

/// Creates missing roles and schemas, and sets the passwords of the roles.
/// Returns false, and changes nothing, if the connection may not create roles.
pub async fn bootstrap(
    connection: &mut PgConnection,
    secret: &str,
    schemas: &[&str],
) -> Result<bool, sqlx::Error> {
    let can_create_roles: bool =
        sqlx::query_scalar("select rolsuper or rolcreaterole from pg_roles where rolname = current_user")
            .fetch_one(&mut *connection)
            .await?;
    if !can_create_roles {
        return Ok(false);
    }
    // Two simultaneous starts would create the same names.
    let mut transaction = sqlx::Connection::begin(connection).await?;
    sqlx::query("select pg_advisory_xact_lock(hashtext('fintrac roles'))").execute(&mut *transaction).await?;
    let database: String =
        sqlx::query_scalar("select quote_ident(current_database())").fetch_one(&mut *transaction).await?;
    for schema in schemas {
        let (owner, app) = (owner_role(schema), app_role(schema));
        for role in [&owner, &app] {
            let exists: bool = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)")
                .bind(role)
                .fetch_one(&mut *transaction)
                .await?;
            let verb = if exists { "alter" } else { "create" };
            // The password is base64url, so it contains no quote.
            let sql = format!("{verb} role {role} login password '{}'", role_password(secret, role));
            run(&mut transaction, sql).await?;
        }
        run(&mut transaction, format!("grant connect, temporary on database {database} to {owner}, {app}"))
            .await?;
        let exists: bool = sqlx::query_scalar("select exists (select from pg_namespace where nspname = $1)")
            .bind(schema)
            .fetch_one(&mut *transaction)
            .await?;
        if !exists {
            // A role with CREATEROLE but not SUPERUSER must be a member of the owner role.
            run(&mut transaction, format!("grant {owner} to current_user")).await?;
            run(&mut transaction, format!("create schema {schema} authorization {owner}")).await?;
        }
    }
    transaction.commit().await?;
    Ok(true)
}

/// Runs a statement that is built from the system's own names only.
async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
}
