//! Changes of budgets' categories whose result is not in the ledger yet.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A change of a budget's categories in progress.
#[derive(Debug, Clone, Copy)]
pub struct ReferenceUpdate {
    pub household_id: Uuid,
    pub budget_id: Uuid,
    pub generation: i64,
}

/// Locks the updates of a budget until the transaction ends.
/// New generations are assigned, and open ones read, one after the other.
async fn lock(connection: &mut PgConnection, budget_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('category references ' || $1::text, 0))",
        budget_id.to_string()
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Inserts an update with a new generation.
pub async fn insert(
    connection: &mut PgConnection,
    household_id: Uuid,
    budget_id: Uuid,
    due_at: DateTime<Utc>,
) -> Result<ReferenceUpdate, sqlx::Error> {
    lock(connection, budget_id).await?;
    sqlx::query_as!(
        ReferenceUpdate,
        r#"insert into budget.category_reference_updates (household_id, budget_id, due_at)
           values ($1, $2, $3) returning household_id, budget_id, generation"#,
        household_id,
        budget_id,
        due_at,
    )
    .fetch_one(connection)
    .await
}

/// Locks an open update until the transaction ends; returns whether it is open.
pub async fn lock_open(connection: &mut PgConnection, update: ReferenceUpdate) -> Result<bool, sqlx::Error> {
    let row = sqlx::query!(
        r#"select generation from budget.category_reference_updates
           where household_id = $1 and budget_id = $2 and generation = $3 and not is_closed for share"#,
        update.household_id,
        update.budget_id,
        update.generation,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// A closed update with its new generation; its change can no longer commit.
#[derive(Debug, Clone, Copy)]
pub struct ClosedUpdate {
    pub update: ReferenceUpdate,
    /// The last generation whose references the budget's current categories replace.
    /// Changes with a later generation are still open.
    pub complete_to: i64,
}

/// Closes an update when its change is over; `None` if it does not exist.
pub async fn close(
    connection: &mut PgConnection,
    update: ReferenceUpdate,
    due_at: DateTime<Utc>,
) -> Result<Option<ClosedUpdate>, sqlx::Error> {
    lock(connection, update.budget_id).await?;
    if !delete(connection, update).await? {
        return Ok(None);
    }
    let row = sqlx::query!(
        r#"with closed as (
               insert into budget.category_reference_updates (household_id, budget_id, due_at, is_closed)
               values ($1, $2, $3, true) returning generation)
           select generation as "generation!", (
               select min(generation) from budget.category_reference_updates
               where household_id = $1 and budget_id = $2 and not is_closed) as first_open
           from closed"#,
        update.household_id,
        update.budget_id,
        due_at,
    )
    .fetch_one(connection)
    .await?;
    let complete_to = row.first_open.map_or(row.generation, |open| open.saturating_sub(1));
    Ok(Some(ClosedUpdate { update: ReferenceUpdate { generation: row.generation, ..update }, complete_to }))
}

/// Deletes an update; returns whether it existed.
pub async fn delete(connection: &mut PgConnection, update: ReferenceUpdate) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"delete from budget.category_reference_updates
           where household_id = $1 and budget_id = $2 and generation = $3"#,
        update.household_id,
        update.budget_id,
        update.generation,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lists at most `limit` updates that are due.
pub async fn list_due(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<ReferenceUpdate>, sqlx::Error> {
    sqlx::query_as!(
        ReferenceUpdate,
        r#"select household_id, budget_id, generation from budget.category_reference_updates
           where due_at <= $1 order by due_at limit $2"#,
        now,
        limit,
    )
    .fetch_all(connection)
    .await
}
