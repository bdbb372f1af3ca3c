//! Comparison of a declaration of personal data with its schema.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta};
use kit_core::clock::Clock;
use kit_db::Schema;
use kit_db::personal_data::{ErasureStep, PersonalData, Section};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::TestDatabase;

/// Types whose values are no personal data by themselves: ids, numbers, dates and flags.
const NEUTRAL_TYPES: &[&str] = &[
    "uuid",
    "uuid[]",
    "smallint",
    "integer",
    "integer[]",
    "bigint",
    "numeric",
    "boolean",
    "date",
    "timestamp with time zone",
    "xid8",
];

/// Columns of kit's tables that an erasure retains or handles itself, with the reason.
const SHARED_COLUMNS: &[(&str, &[&str], &str)] = &[
    ("events", &["entity", "kind", "changed", "actor"], "ids and names of entities, kinds and fields"),
    ("events", &["client_ip", "user_agent", "request_id"], "redacted by redact_event_metadata"),
    ("event_cursors", &["source"], "the name of a service"),
    ("event_versions", &["source", "entity"], "names of services and entities"),
    ("event_dead_letters", &["source", "event", "error"], "deleted by the erasure worker"),
    ("event_readers", &["reader"], "the name of a service"),
    ("jobs", &["queue", "key", "last_error"], "names and ids; an error names no user but by id"),
    ("idempotency_keys", &["operation", "key", "fingerprint", "response"], "deleted by the erasure worker"),
];

/// Kit's tables that are not exported: the audit log exports the events, and the others have no
/// data that the user does not know.
const SHARED_TABLES: &[&str] = &["events", "idempotency_keys", "erasures"];

/// Lists the differences between the declared personal data of `schema` and its tables.
///
/// Each column that can hold personal data must be erased or retained. Each erased column, and
/// each table with a `user_id` or `household_id`, must be exported or declared as not exported.
///
/// # Panics
/// If a query of the export or the erasure fails on the schema.
pub async fn find_undeclared(schema: &Schema) -> Vec<String> {
    let clock = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let pool = TestDatabase::new(&[schema], &clock).await.pool(schema, &clock).await;
    run_compiled_sql(schema, &pool, &clock).await;
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "select relname::text, attname::text, format_type(atttypid, null)
         from pg_class join pg_attribute on attrelid = pg_class.oid
         where relnamespace = $1::text::regnamespace and relkind in ('r', 'p') and not relispartition
           and attnum > 0 and not attisdropped and relname not in ('_kit_migrations', '_sqlx_migrations')
         order by relname, attnum",
    )
    .bind(schema.name)
    .fetch_all(&pool)
    .await
    .expect("the catalog is read");
    let PersonalData { sections, erasure, retained, not_exported } = schema.personal_data;
    let exported: Vec<_> = sections.iter().map(|section| words(section, schema.name)).collect();
    // Exactly one of the two must be the case.
    let is_decided = |is_exported: bool, names: &[&str]| {
        let mut listed = not_exported.iter().flat_map(|(names, _)| *names).chain(SHARED_TABLES);
        is_exported != listed.any(|name| names.contains(name))
    };
    let mut problems = BTreeSet::new();
    let mut existing = BTreeSet::new();
    for (table, column, data_type) in &columns {
        let name = format!("{table}.{column}");
        let qualified = format!("{}.{table}", schema.name);
        let mut table_sections = exported.iter().filter(|words| words.contains(&qualified));
        let is_owner = ["user_id", "household_id"].contains(&column.as_str());
        if is_owner && !is_decided(table_sections.clone().next().is_some(), &[table]) {
            problems.insert(format!("{table}: declare whether it is exported"));
        }
        if !NEUTRAL_TYPES.contains(&data_type.as_str()) {
            let is_erased = erasure.iter().any(|step| step.table == table && covers(step, column));
            let mut listed = retained.iter().chain(SHARED_COLUMNS);
            if is_erased == listed.any(|(name, columns, _)| name == table && columns.contains(&&**column)) {
                problems.insert(format!("{name}: declare whether it is erased or retained"));
            }
            if is_erased && !is_decided(table_sections.any(|words| words.contains(column)), &[table, &name]) {
                problems.insert(format!("{name}: declare whether it is exported"));
            }
        }
        existing.extend([table.clone(), name]);
    }
    let retained = retained
        .iter()
        .flat_map(|(table, columns, _)| columns.iter().map(move |name| format!("{table}.{name}")));
    let not_exported = not_exported.iter().flat_map(|(names, _)| names.iter().map(ToString::to_string));
    let unknown = retained.chain(not_exported).filter(|name| !existing.contains(name));
    problems.extend(unknown.map(|name| format!("{name}: it does not exist")));
    problems.into_iter().collect()
}

/// Runs the query of each section and the erasure, for a user without data.
async fn run_compiled_sql(schema: &Schema, pool: &PgPool, clock: &Clock) {
    for section in schema.personal_data.sections {
        sqlx::query(AssertSqlSafe(section.sql(schema.name, 1)))
            .bind(Uuid::nil())
            .bind(Uuid::nil())
            .bind(Uuid::nil())
            .bind(0_i64)
            .bind(clock.now())
            .fetch_all(pool)
            .await
            .unwrap_or_else(|error| panic!("section {}: {error}", section.name));
    }
    let erased: i32 = sqlx::query_scalar("select redact_personal_data($1, $1, $2, 1)")
        .bind(Uuid::nil())
        .bind(clock.now())
        .fetch_one(pool)
        .await
        .expect("the erasure runs");
    assert_eq!(erased, 0, "there is nothing to erase");
}

/// Returns whether `step` removes the values of `column`.
fn covers(step: &ErasureStep, column: &str) -> bool {
    step.replaced.is_none_or(|replaced| replaced.iter().any(|(columns, _)| columns.contains(&column)))
}

/// Returns the identifiers in the query of a section, qualified ones also in parts.
fn words(section: &Section, schema: &str) -> BTreeSet<String> {
    let sql = section.sql(schema, 1);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let names = sql.split(|c| !is_part(c));
    names.flat_map(|name| name.split('.').chain([name])).map(str::to_owned).collect()
}
