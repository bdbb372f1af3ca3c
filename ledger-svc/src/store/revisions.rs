//! Revisions of transactions.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::column;

/// A revision to insert.
#[derive(Debug)]
pub struct NewRevision {
    pub household_id: Uuid,
    pub transaction_id: Uuid,
    pub revision: i64,
    pub kind: &'static str,
    /// Maps each changed field to `[before, after]`; those of the details under `details`.
    pub changes: Value,
    pub actor: String,
    pub recorded_at: DateTime<Utc>,
}

/// A stored revision.
#[derive(Debug)]
pub struct RevisionRow {
    pub revision: i64,
    pub kind: String,
    /// Maps each changed field to `[before, after]`.
    pub changes: Value,
    pub actor: String,
    pub recorded_at: DateTime<Utc>,
}

pub async fn insert(connection: &mut PgConnection, revisions: &[NewRevision]) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"insert into ledger.revisions (household_id, transaction_id, revision, kind, changes, actor, recorded_at)
           select * from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::text[], $5::jsonb[], $6::text[],
                                $7::timestamptz[])"#,
        &column(revisions, |revision| revision.household_id),
        &column(revisions, |revision| revision.transaction_id),
        &column(revisions, |revision| revision.revision),
        &column(revisions, |revision| revision.kind.to_owned()),
        &column(revisions, |revision| revision.changes.clone()),
        &column(revisions, |revision| revision.actor.clone()),
        &column(revisions, |revision| revision.recorded_at),
    )
}

/// Lists a transaction's revisions after `after`, the oldest first.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    transaction_id: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<RevisionRow>, sqlx::Error> {
    sqlx::query_as!(
        RevisionRow,
        r#"select revision, kind, (changes - 'details') || coalesce(changes -> 'details', '{}') as "changes!",
                  actor, recorded_at
           from ledger.revisions
           where household_id = $1 and transaction_id = $2 and revision > $3 order by revision limit $4"#,
        household_id,
        transaction_id,
        after,
        limit,
    )
    .fetch_all(connection)
    .await
}
