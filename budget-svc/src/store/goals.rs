//! Goals and the money earmarked for them.

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_money::Money;
use sqlx::PgConnection;
use uuid::Uuid;

use super::currency;
use crate::domain::goal::{Earmark, Goal};

struct GoalRow {
    id: Uuid,
    name: String,
    currency_code: String,
    target_amount: i64,
    due_date: Option<NaiveDate>,
    account_id: Option<Uuid>,
    current_amount: i64,
    completed_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

impl TryFrom<GoalRow> for Goal {
    type Error = sqlx::Error;

    fn try_from(row: GoalRow) -> Result<Self, sqlx::Error> {
        let currency = currency(&row.currency_code)?;
        Ok(Self {
            id: row.id,
            name: row.name,
            target: Money::new(row.target_amount, currency),
            due_date: row.due_date,
            account_id: row.account_id,
            current: Money::new(row.current_amount, currency),
            completed_at: row.completed_at,
            cancelled_at: row.cancelled_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            is_deleted: row.deleted_at.is_some(),
        })
    }
}

/// Finds a goal that is not deleted.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    goal_id: Uuid,
) -> Result<Option<Goal>, sqlx::Error> {
    let row = sqlx::query_as!(
        GoalRow,
        r#"select id, name, currency_code, target_amount, due_date, account_id, current_amount, completed_at,
                  cancelled_at, version, created_at, updated_at, deleted_at
           from budget.goals where household_id = $1 and id = $2 and deleted_at is null"#,
        household_id,
        goal_id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Goal::try_from).transpose()
}

/// Locks and returns a goal, deleted or not.
pub async fn lock(
    connection: &mut PgConnection,
    household_id: Uuid,
    goal_id: Uuid,
) -> Result<Option<Goal>, sqlx::Error> {
    let row = sqlx::query_as!(
        GoalRow,
        r#"select id, name, currency_code, target_amount, due_date, account_id, current_amount, completed_at,
                  cancelled_at, version, created_at, updated_at, deleted_at
           from budget.goals where household_id = $1 and id = $2 for no key update"#,
        household_id,
        goal_id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Goal::try_from).transpose()
}

/// Lists the goals that are not deleted, in the order of their creation.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Goal>, sqlx::Error> {
    let rows = sqlx::query_as!(
        GoalRow,
        r#"select id, name, currency_code, target_amount, due_date, account_id, current_amount, completed_at,
                  cancelled_at, version, created_at, updated_at, deleted_at
           from budget.goals
           where household_id = $1 and deleted_at is null and ($2::uuid is null or id > $2)
           order by id limit $3"#,
        household_id,
        after,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Goal::try_from).collect()
}

/// Lists the money set aside on accounts for goals that are not deleted.
pub async fn list_earmarks(
    connection: &mut PgConnection,
    household_id: Uuid,
    account_ids: &[Uuid],
) -> Result<Vec<Earmark>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id, account_id as "account_id!", currency_code, current_amount from budget.goals
           where household_id = $1 and account_id = any($2) and deleted_at is null"#,
        household_id,
        account_ids,
    )
    .fetch_all(connection)
    .await?;
    let earmark = |(id, account_id, amount, code): (Uuid, Uuid, i64, String)| {
        Ok(Earmark { goal_id: id, account_id, amount: Money::new(amount, currency(&code)?) })
    };
    rows.into_iter()
        .map(|row| (row.id, row.account_id, row.current_amount, row.currency_code))
        .map(earmark)
        .collect()
}

pub async fn insert(
    connection: &mut PgConnection,
    household_id: Uuid,
    goal: &Goal,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into budget.goals (household_id, id, name, currency_code, target_amount, due_date, account_id,
                                     current_amount, completed_at, version, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"#,
        household_id,
        goal.id,
        goal.name,
        goal.currency().code(),
        goal.target.minor(),
        goal.due_date,
        goal.account_id,
        goal.current.minor(),
        goal.completed_at,
        goal.version,
        goal.created_at,
        goal.updated_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

pub async fn update(
    connection: &mut PgConnection,
    household_id: Uuid,
    goal: &Goal,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update budget.goals
           set name = $3, target_amount = $4, due_date = $5, account_id = $6, current_amount = $7,
               completed_at = $8, cancelled_at = $9, version = $10, updated_at = $11
           where household_id = $1 and id = $2"#,
        household_id,
        goal.id,
        goal.name,
        goal.target.minor(),
        goal.due_date,
        goal.account_id,
        goal.current.minor(),
        goal.completed_at,
        goal.cancelled_at,
        goal.version,
        goal.updated_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Marks a goal as deleted; returns its new version.
pub async fn delete(
    connection: &mut PgConnection,
    household_id: Uuid,
    goal_id: Uuid,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"update budget.goals set deleted_at = $3, updated_at = $3, version = version + 1
           where household_id = $1 and id = $2 and deleted_at is null returning version"#,
        household_id,
        goal_id,
        now,
    )
    .fetch_one(connection)
    .await
}

pub async fn count(connection: &mut PgConnection, household_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from budget.goals where household_id = $1 and deleted_at is null"#,
        household_id
    )
    .fetch_one(connection)
    .await
}

/// Lists the ids of active goals that are due within 30 days, in key order.
/// The first reminder is 30 days before the due date.
pub async fn list_due_soon(
    connection: &mut PgConnection,
    household_id: Uuid,
    today: NaiveDate,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id from budget.goals
           where household_id = $1 and due_date between $2 and $2 + 30
             and completed_at is null and cancelled_at is null and deleted_at is null
           order by id"#,
        household_id,
        today,
    )
    .fetch_all(connection)
    .await
}

/// Lists the next 1,000 households with active goals due from `from` to `to`.
/// `after` is the last household of the previous call.
pub async fn list_households_with_due_goals(
    connection: &mut PgConnection,
    from: NaiveDate,
    to: NaiveDate,
    after: Uuid,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select distinct household_id from budget.goals
           where due_date between $1 and $2 and household_id > $3
             and completed_at is null and cancelled_at is null and deleted_at is null
           order by household_id limit 1000"#,
        from,
        to,
        after,
    )
    .fetch_all(connection)
    .await
}
