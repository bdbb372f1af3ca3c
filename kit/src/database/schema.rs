//! A service's schema: the shared tables, its own migrations, and what the
//! serving role may do with each table.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use sqlx::migrate::{MigrateError, Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};

use super::{app_role, session_options};

static SHARED_MIGRATIONS: Migrator = sqlx::migrate!();

/// What the serving role may do with the plumbing's tables. Events are append-only.
const SHARED_TABLE_GRANTS: &[Grant] = &[
    ("event_epochs", "select, insert"),
    ("events", "select, insert"),
    ("event_readers", "select, insert, update"),
    ("event_cursors", "select, insert, update"),
    ("event_versions", "select, insert, update"),
    ("event_dead_letters", "select, insert, delete"),
    ("jobs", "select, insert, update"),
    ("erasures", "select, insert, update"),
    ("idempotency_keys", "select, insert, update, delete"),
    ("_kit_migrations", "select"),
    ("_sqlx_migrations", "select"),
];

/// A table and the privileges of the serving role on it.
pub type Grant = (&'static str, &'static str);

/// Why a schema could not be brought up to date, or is not.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error("the schema `{0}` is not up to date; run `fintrac migrate`")]
    Outdated(&'static str),
    #[error(
        "the schema `{0}` belongs to another version of FinTrac and was not changed; run that version, or name an empty database (DATABASE_URL) or folder (FINTRAC_DATA_DIR)"
    )]
    OtherVersion(&'static str),
}

/// A service's schema.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    pub name: &'static str,
    pub migrator: &'static Migrator,
    pub grants: &'static [Grant],
}

impl Schema {
    /// Brings the schema up to date. `options` connect as its owner.
    pub async fn migrate(&self, options: &PgConnectOptions, now: DateTime<Utc>) -> Result<(), SchemaError> {
        let mut connection = session_options(options, self.name)
            .options([("statement_timeout", "0"), ("lock_timeout", "0")])
            .connect()
            .await?;
        self.reject_other_versions(&mut connection).await?;
        SHARED_MIGRATIONS.run(&mut connection).await?;
        self.migrator.run(&mut connection).await?;
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

    /// Its own migrations, the oldest first, and whether each is applied.
    pub async fn status(&self, options: &PgConnectOptions) -> Result<Vec<(String, bool)>, SchemaError> {
        let mut connection = session_options(options, self.name).connect().await?;
        let applied = self.applied(&mut connection).await?;
        let up = self.migrator.iter().filter(|migration| migration.migration_type.is_up_migration());
        let line = |migration: &Migration| {
            (
                format!("{:04} {}", migration.version, migration.description),
                applied.contains(&migration.version),
            )
        };
        Ok(up.map(line).collect())
    }

    /// Undoes the last `steps` of its own migrations, and all that they kept;
    /// returns how many there were. `options` connect as its owner.
    pub async fn undo(&self, options: &PgConnectOptions, steps: usize) -> Result<usize, SchemaError> {
        let mut connection =
            session_options(options, self.name).options([("statement_timeout", "0")]).connect().await?;
        let applied = self.applied(&mut connection).await?;
        let remaining = applied.len().saturating_sub(steps);
        let target = remaining.checked_sub(1).map_or(0, |last| applied[last]);
        self.migrator.undo(&mut connection, target).await?;
        Ok(applied.len() - remaining)
    }

    /// Versions, the lowest first; none where the schema was never migrated.
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
    /// A role without access to the schema finds none.
    pub async fn reject_other_versions(&self, connection: &mut PgConnection) -> Result<(), SchemaError> {
        for (migrator, table) in
            [(&SHARED_MIGRATIONS, "_kit_migrations"), (self.migrator, "_sqlx_migrations")]
        {
            let applied = match self.applied_checksums(connection, table).await {
                Err(error) if is_access_denied(&error) => return Ok(()),
                applied => applied?,
            };
            let is_known = |(version, checksum): &(i64, Vec<u8>)| {
                migrator.iter().any(|own| own.version == *version && *own.checksum == **checksum)
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

    /// Fails unless every migration has been applied; for services that do
    /// not migrate themselves.
    pub async fn verify(&self, connection: &mut PgConnection) -> Result<(), SchemaError> {
        for (migrator, table) in
            [(&SHARED_MIGRATIONS, "_kit_migrations"), (self.migrator, "_sqlx_migrations")]
        {
            let sql = format!("select version from {}.{table} where success", self.name);
            let applied: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_all(&mut *connection)
                .await
                .map_err(|error| {
                    if super::is_transient(&error) { error.into() } else { SchemaError::Outdated(self.name) }
                })?;
            if migrator.iter().any(|migration| !applied.contains(&migration.version)) {
                return Err(SchemaError::Outdated(self.name));
            }
        }
        Ok(())
    }
}

/// Partitions of the event log for this month and the two after it.
pub(crate) async fn ensure_event_partitions(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("select ensure_event_partitions($1, 2)", now.date_naive())
        .execute(connection)
        .await
        .map(|_| ())
}

fn is_access_denied(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "42501")
}
