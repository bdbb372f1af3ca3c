//! The schema of a service: the shared tables, its own migrations and its grants.

use std::collections::HashMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use sqlx::migrate::{MigrateError, Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};

use super::{app_role, session_options};
use crate::personal_data::PersonalData;

static SHARED_MIGRATIONS: Migrator = sqlx::migrate!();

/// The application role's privileges on kit's tables; events are append-only.
const SHARED_TABLE_GRANTS: &[Grant] = &[
    ("event_epochs", "select, insert"),
    ("events", "select, insert"),
    ("event_readers", "select, insert, update"),
    ("event_cursors", "select, insert, update"),
    ("event_versions", "select, insert, update"),
    ("event_dead_letters", "select, insert, delete"),
    ("jobs", "select, insert, update, delete"),
    ("erasures", "select, insert, update"),
    ("idempotency_keys", "select, insert, update, delete"),
    ("_kit_migrations", "select"),
    ("_sqlx_migrations", "select"),
];

/// A table, and the privileges of the application role on it.
pub type Grant = (&'static str, &'static str);

/// The reason why a schema cannot be migrated or is not current.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A migration has not been applied.
    #[error("the schema `{0}` is not up to date; run `fintrac migrate`")]
    Outdated(&'static str),
    /// The schema contains a migration that this version does not have.
    #[error(
        "the schema `{0}` belongs to another version of FinTrac and was not changed; run that version, or name an empty database (DATABASE_URL) or folder (FINTRAC_DATA_DIR)"
    )]
    OtherVersion(&'static str),
}

/// The schema of a service.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// Name of the schema.
    pub name: &'static str,
    /// The service's own migrations.
    pub migrator: &'static Migrator,
    /// Privileges of the application role on the service's own tables.
    pub grants: &'static [Grant],
    /// Personal data in the service's own tables.
    pub personal_data: &'static PersonalData,
}

impl Schema {
    /// Applies all migrations, the erasure and grants; `options` connect as the schema's owner.
    pub async fn migrate(&self, options: &PgConnectOptions, now: DateTime<Utc>) -> Result<(), SchemaError> {
        let mut connection = session_options(options, self.name)
            .options([("statement_timeout", "0"), ("lock_timeout", "0")])
            .connect()
            .await?;
        self.reject_other_versions(&mut connection).await?;
        SHARED_MIGRATIONS.run(&mut connection).await?;
        self.migrator.run(&mut connection).await?;
        self.define_erasure(&mut connection).await?;
        let app = app_role(self.name);
        let exists: bool = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)")
            .bind(&app)
            .fetch_one(&mut connection)
            .await?;
        if exists {
            self.grant(&mut connection, &app).await?;
        }
        ensure_event_partitions(&mut connection, now).await?;
        Ok(())
    }

    /// Lists the service's own migrations, the oldest first, and which are applied.
    pub async fn status(&self, options: &PgConnectOptions) -> Result<Vec<(String, bool)>, SchemaError> {
        let mut connection = session_options(options, self.name).connect().await?;
        let applied = self.applied(&mut connection).await?;
        let line = |migration: &Migration| {
            (
                format!("{:04} {}", migration.version, migration.description),
                applied.contains(&migration.version),
            )
        };
        Ok(up_migrations(self.migrator).map(line).collect())
    }

    /// Reverts the last `steps` of the service's own migrations, with their data.
    /// Returns the number of reverted migrations. `options` connect as the schema's owner.
    pub async fn undo(&self, options: &PgConnectOptions, steps: usize) -> Result<usize, SchemaError> {
        let mut connection =
            session_options(options, self.name).options([("statement_timeout", "0")]).connect().await?;
        let applied = self.applied(&mut connection).await?;
        let remaining = applied.len().saturating_sub(steps);
        let target = remaining.checked_sub(1).map_or(0, |last| applied[last]);
        self.migrator.undo(&mut connection, target).await?;
        Ok(applied.len() - remaining)
    }

    /// Returns the applied versions, the lowest first.
    /// There are none if the schema was never migrated.
    async fn applied(&self, connection: &mut PgConnection) -> Result<Vec<i64>, sqlx::Error> {
        let exists: bool = sqlx::query_scalar("select to_regclass($1) is not null")
            .bind(format!("{}._sqlx_migrations", self.name))
            .fetch_one(&mut *connection)
            .await?;
        if !exists {
            return Ok(Vec::new());
        }
        let sql = format!("select version from {}._sqlx_migrations where success order by 1", self.name);
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection).await
    }

    /// Replaces the body of `redact_personal_data` by the declared erasure.
    async fn define_erasure(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        // Concurrent replacements of a function fail; the lock is held until the implicit
        // transaction of these statements ends.
        let sql = format!(
            "select pg_advisory_xact_lock(hashtext('{} erasure')); {}",
            self.name,
            self.personal_data.redaction_function(self.name)
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
    }

    async fn grant(&self, connection: &mut PgConnection, app: &str) -> Result<(), sqlx::Error> {
        let schema = self.name;
        let mut sql = format!(
            "begin;
             grant usage on schema {schema} to {app};
             revoke all on all tables in schema {schema} from {app};
             grant usage on all sequences in schema {schema} to {app};
             grant execute on all functions in schema {schema} to {app};"
        );
        for (table, privileges) in SHARED_TABLE_GRANTS.iter().chain(self.grants) {
            let _infallible = write!(sql, "grant {privileges} on {schema}.{table} to {app};");
        }
        sql += "commit;";
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
    }

    /// Fails if the schema has a migration that this version does not have.
    /// It succeeds for a role without access to the schema.
    pub async fn reject_other_versions(&self, connection: &mut PgConnection) -> Result<(), SchemaError> {
        for (migrator, table) in
            [(&SHARED_MIGRATIONS, "_kit_migrations"), (self.migrator, "_sqlx_migrations")]
        {
            let applied = match self.applied_checksums(connection, table).await {
                Err(error) if is_access_denied(&error) => return Ok(()),
                applied => applied?,
            };
            let is_known = |(version, checksum): &(i64, Vec<u8>)| {
                up_migrations(migrator).any(|own| own.version == *version && *own.checksum == **checksum)
            };
            if !applied.iter().all(is_known) {
                return Err(SchemaError::OtherVersion(self.name));
            }
        }
        Ok(())
    }

    async fn applied_checksums(
        &self,
        connection: &mut PgConnection,
        table: &str,
    ) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
        let table = format!("{}.{table}", self.name);
        let exists: bool = sqlx::query_scalar("select to_regclass($1) is not null")
            .bind(&table)
            .fetch_one(&mut *connection)
            .await?;
        if !exists {
            return Ok(Vec::new());
        }
        let sql = format!("select version, checksum from {table}");
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(connection).await
    }

    /// Fails unless every migration has been applied with the same content.
    /// It is for services that do not migrate themselves. Further migrations are those of the next
    /// version, which this one keeps working beside.
    pub async fn verify(&self, connection: &mut PgConnection) -> Result<(), SchemaError> {
        for (migrator, table) in
            [(&SHARED_MIGRATIONS, "_kit_migrations"), (self.migrator, "_sqlx_migrations")]
        {
            let sql = format!("select version, checksum from {}.{table} where success", self.name);
            let applied: HashMap<i64, Vec<u8>> = sqlx::query_as(AssertSqlSafe(sql))
                .fetch_all(&mut *connection)
                .await
                .map_err(|error| {
                    if super::is_transient(&error) { error.into() } else { SchemaError::Outdated(self.name) }
                })?
                .into_iter()
                .collect();
            for migration in up_migrations(migrator) {
                match applied.get(&migration.version) {
                    None => return Err(SchemaError::Outdated(self.name)),
                    Some(checksum) if **checksum != *migration.checksum => {
                        return Err(SchemaError::OtherVersion(self.name));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }
}

/// Creates the event log's partitions for this month and the two after it.
pub async fn ensure_event_partitions(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("select ensure_event_partitions($1, 2)", now.date_naive())
        .execute(connection)
        .await
        .map(|_| ())
}

fn is_access_denied(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "42501")
}

/// Lists the up migrations; a down migration has the version of its up migration.
fn up_migrations(migrator: &Migrator) -> impl Iterator<Item = &Migration> {
    migrator.iter().filter(|migration| migration.migration_type.is_up_migration())
}
