//! The queue of households whose budgets must be evaluated.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A request to evaluate a household.
/// Each further request increases the generation.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationRequest {
    pub household_id: Uuid,
    pub generation: i64,
    /// The number of consecutive failures.
    pub failures: i32,
    /// The end of the lease, which identifies the worker that holds it.
    pub leased_until: DateTime<Utc>,
}

/// Requests evaluations of the households that have something to evaluate.
/// That is a budget, or an active goal with a due date.
pub async fn request(
    connection: &mut PgConnection,
    household_ids: &[Uuid],
    due_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into budget.budget_evaluations (household_id, generation, due_at)
           select household_id, 1, $2 from unnest($1::uuid[]) as changed (household_id)
           where exists (
               select from budget.budgets
               where budgets.household_id = changed.household_id and deleted_at is null)
              or exists (
               select from budget.goals
               where goals.household_id = changed.household_id and due_date is not null
                 and completed_at is null and cancelled_at is null and deleted_at is null)
           order by household_id
           on conflict (household_id) do update
           set generation = budget_evaluations.generation + 1, due_at = least(budget_evaluations.due_at, excluded.due_at)"#,
        household_ids,
        due_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Requests evaluations of the next 1,000 households with budgets.
/// `after` is the last household of the previous call; returns the last one of this call.
pub async fn request_next(
    connection: &mut PgConnection,
    after: Uuid,
    due_at: DateTime<Utc>,
) -> Result<Option<Uuid>, sqlx::Error> {
    let households = sqlx::query_scalar!(
        r#"select distinct household_id from budget.budgets
           where household_id > $1 and deleted_at is null order by household_id limit 1000"#,
        after
    )
    .fetch_all(&mut *connection)
    .await?;
    request(connection, &households, due_at).await?;
    Ok(households.last().copied())
}

/// Leases up to `limit` requests that are due.
pub async fn claim(
    connection: &mut PgConnection,
    limit: i64,
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
) -> Result<Vec<EvaluationRequest>, sqlx::Error> {
    sqlx::query_as!(
        EvaluationRequest,
        r#"update budget.budget_evaluations set leased_until = $3
           where household_id in (
               select household_id from budget.budget_evaluations
               where due_at <= $2 and (leased_until is null or leased_until <= $2)
               order by due_at limit $1
               for update skip locked)
           returning household_id, generation, failures, leased_until as "leased_until!""#,
        limit,
        now,
        leased_until,
    )
    .fetch_all(connection)
    .await
}

/// Completes a request after its evaluation.
/// If another evaluation was requested meanwhile, it is due now, behind those that wait already.
/// Nothing changes if another worker holds the lease.
pub async fn complete(
    connection: &mut PgConnection,
    request: EvaluationRequest,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let done = sqlx::query!(
        "delete from budget.budget_evaluations where household_id = $1 and generation = $2 and leased_until = $3",
        request.household_id,
        request.generation,
        request.leased_until,
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        sqlx::query!(
            r#"update budget.budget_evaluations set leased_until = null, due_at = $3, failures = 0
               where household_id = $1 and leased_until = $2"#,
            request.household_id,
            request.leased_until,
            now,
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Postpones a request whose evaluation failed.
pub async fn postpone(
    connection: &mut PgConnection,
    request: EvaluationRequest,
    due_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update budget.budget_evaluations set due_at = $3, leased_until = null, failures = failures + 1
           where household_id = $1 and leased_until = $2"#,
        request.household_id,
        request.leased_until,
        due_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}
