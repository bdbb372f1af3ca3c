//! Two roles a service: `<schema>_owner` migrates, `<schema>_app` serves. The
//! serving role owns nothing and sees no other schema.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::access::credential::derive;

pub fn owner_role(schema: &str) -> String {
    format!("{schema}_owner")
}

pub fn app_role(schema: &str) -> String {
    format!("{schema}_app")
}

/// The password of `role`, derived from the system's secret.
pub fn role_password(secret: &str, role: &str) -> String {
    BASE64.encode(derive(secret.as_bytes(), format!("database role {role}").as_bytes()))
}

/// Makes roles and schemas where missing, with a connection that may. Returns
/// false, and changes nothing, when it may not create roles.
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
    // Two starts at once would race for the same names.
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
            // The password is our own base64url: no quote can be in it.
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
            // A role with CREATEROLE but not SUPERUSER must be a member to give things away.
            run(&mut transaction, format!("grant {owner} to current_user")).await?;
            run(&mut transaction, format!("create schema {schema} authorization {owner}")).await?;
        }
    }
    transaction.commit().await?;
    Ok(true)
}

/// Runs a statement made of our own names only.
async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
}
