//! Budgets with their terms.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_money::Money;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{currency, parse_column};
use crate::domain::budget::{Budget, BudgetTerms};
use crate::domain::period::{Frequency, Schedule};
use crate::domain::rollover::Rollover;

struct BudgetRow {
    id: Uuid,
    name: String,
    currency_code: String,
    frequency: String,
    start_date: NaiveDate,
    end_date: Option<NaiveDate>,
    alert_thresholds: Vec<i32>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

struct TermsRow {
    budget_id: Uuid,
    valid_from: NaiveDate,
    amount: i64,
    category_ids: Vec<Uuid>,
    rollover: String,
}

impl BudgetRow {
    /// Builds a budget; `terms` are newest first.
    fn into_budget(self, terms: Vec<TermsRow>) -> Result<Budget, sqlx::Error> {
        let currency = currency(&self.currency_code)?;
        let terms = terms.into_iter().map(|row| {
            let rollover = parse_column(&row.rollover, Rollover::from_text)?;
            let amount = Money::new(row.amount, currency);
            Ok(BudgetTerms { valid_from: row.valid_from, amount, category_ids: row.category_ids, rollover })
        });
        let mut terms = terms.collect::<Result<Vec<_>, sqlx::Error>>()?.into_iter();
        let newest = terms.next().ok_or_else(|| sqlx::Error::Decode("a budget without terms".into()))?;
        let schedule = Schedule {
            frequency: parse_column(&self.frequency, Frequency::from_text)?,
            start: self.start_date,
            end: self.end_date,
        };
        Ok(Budget {
            id: self.id,
            name: self.name,
            currency,
            schedule,
            thresholds: self.alert_thresholds,
            terms: newest,
            earlier: terms.collect(),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

async fn with_terms(
    connection: &mut PgConnection,
    household_id: Uuid,
    rows: Vec<BudgetRow>,
) -> Result<Vec<Budget>, sqlx::Error> {
    let terms = sqlx::query_as!(
        TermsRow,
        r#"select budget_id, valid_from, amount, category_ids, rollover from budget.budget_terms
           where household_id = $1 and budget_id = any($2) order by valid_from desc"#,
        household_id,
        &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut terms_by_budget: HashMap<Uuid, Vec<TermsRow>> = HashMap::new();
    for row in terms {
        terms_by_budget.entry(row.budget_id).or_default().push(row);
    }
    rows.into_iter()
        .map(|row| {
            let terms = terms_by_budget.remove(&row.id).unwrap_or_default();
            row.into_budget(terms)
        })
        .collect()
}

/// Finds a budget that is not deleted.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    budget_id: Uuid,
) -> Result<Option<Budget>, sqlx::Error> {
    let row = sqlx::query_as!(
        BudgetRow,
        r#"select id, name, currency_code, frequency, start_date, end_date, alert_thresholds, version,
                  created_at, updated_at
           from budget.budgets where household_id = $1 and id = $2 and deleted_at is null"#,
        household_id,
        budget_id,
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(with_terms(connection, household_id, row.into_iter().collect()).await?.pop())
}

/// Locks the budgets that are not deleted, in key order.
/// Returns their versions.
pub async fn lock(
    connection: &mut PgConnection,
    household_id: Uuid,
    budget_ids: &[Uuid],
) -> Result<HashMap<Uuid, i64>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id, version from budget.budgets
           where household_id = $1 and id = any($2) and deleted_at is null
           order by id for no key update"#,
        household_id,
        budget_ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
}

/// Lists the budgets that are not deleted, in the order of their creation.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Budget>, sqlx::Error> {
    let rows = sqlx::query_as!(
        BudgetRow,
        r#"select id, name, currency_code, frequency, start_date, end_date, alert_thresholds, version,
                  created_at, updated_at
           from budget.budgets
           where household_id = $1 and deleted_at is null and ($2::uuid is null or id > $2)
           order by id limit $3"#,
        household_id,
        after,
        limit,
    )
    .fetch_all(&mut *connection)
    .await?;
    with_terms(connection, household_id, rows).await
}

pub async fn count(connection: &mut PgConnection, household_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from budget.budgets where household_id = $1 and deleted_at is null"#,
        household_id
    )
    .fetch_one(connection)
    .await
}

pub async fn insert(
    connection: &mut PgConnection,
    household_id: Uuid,
    budget: &Budget,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into budget.budgets (household_id, id, name, currency_code, frequency, start_date, end_date,
                                       alert_thresholds, version, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"#,
        household_id,
        budget.id,
        budget.name,
        budget.currency.code(),
        budget.schedule.frequency.as_str(),
        budget.schedule.start,
        budget.schedule.end,
        &budget.thresholds,
        budget.version,
        budget.created_at,
        budget.updated_at,
    )
    .execute(&mut *connection)
    .await?;
    upsert_terms(connection, household_id, budget).await
}

pub async fn update(
    connection: &mut PgConnection,
    household_id: Uuid,
    budget: &Budget,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update budget.budgets
           set name = $3, end_date = $4, alert_thresholds = $5, version = $6, updated_at = $7
           where household_id = $1 and id = $2"#,
        household_id,
        budget.id,
        budget.name,
        budget.schedule.end,
        &budget.thresholds,
        budget.version,
        budget.updated_at,
    )
    .execute(&mut *connection)
    .await?;
    upsert_terms(connection, household_id, budget).await
}

/// Inserts or updates the newest terms.
async fn upsert_terms(
    connection: &mut PgConnection,
    household_id: Uuid,
    budget: &Budget,
) -> Result<(), sqlx::Error> {
    let terms = &budget.terms;
    sqlx::query!(
        r#"insert into budget.budget_terms (household_id, budget_id, valid_from, amount, category_ids, rollover)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (household_id, budget_id, valid_from) do update
           set amount = excluded.amount, category_ids = excluded.category_ids, rollover = excluded.rollover"#,
        household_id,
        budget.id,
        terms.valid_from,
        terms.amount.minor(),
        &terms.category_ids,
        terms.rollover.as_str(),
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Marks a budget as deleted; returns its new version.
pub async fn delete(
    connection: &mut PgConnection,
    household_id: Uuid,
    budget_id: Uuid,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"update budget.budgets set deleted_at = $3, updated_at = $3, version = version + 1
           where household_id = $1 and id = $2 and deleted_at is null returning version"#,
        household_id,
        budget_id,
        now,
    )
    .fetch_one(connection)
    .await
}

/// Replaces merged categories, given as (from, to), in all terms.
/// Returns the budgets that changed and are not deleted, with their new versions.
pub async fn replace_categories(
    connection: &mut PgConnection,
    household_id: Uuid,
    merges: &[(Uuid, Uuid)],
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    let from: Vec<_> = merges.iter().map(|(from, _)| *from).collect();
    let affected = sqlx::query_scalar!(
        r#"select distinct budget_id from budget.budget_terms
           where household_id = $1 and category_ids && $2"#,
        household_id,
        &from,
    )
    .fetch_all(&mut *connection)
    .await?;
    if affected.is_empty() {
        return Ok(Vec::new());
    }
    lock(connection, household_id, &affected).await?;
    let mut changed = Vec::new();
    for (from, to) in merges {
        let budgets = sqlx::query_scalar!(
            r#"update budget.budget_terms
               set category_ids = array(
                   select id from unnest(array_replace(category_ids, $3, $4)) with ordinality as named (id, place)
                   group by id order by min(place))
               where household_id = $1 and budget_id = any($2) and $3 = any(category_ids)
               returning budget_id"#,
            household_id,
            &affected,
            from,
            to,
        )
        .fetch_all(&mut *connection)
        .await?;
        changed.extend(budgets);
    }
    let rows = sqlx::query!(
        r#"update budget.budgets set version = version + 1, updated_at = $3
           where household_id = $1 and id = any($2) and deleted_at is null
           returning id, version"#,
        household_id,
        &changed,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
}

/// Selects the households that have something to evaluate.
/// That is a budget, or an active goal with a due date.
pub async fn list_evaluable_households(
    connection: &mut PgConnection,
    household_ids: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select household_id as "household_id!" from unnest($1::uuid[]) as changed (household_id)
           where exists (
               select from budget.budgets
               where budgets.household_id = changed.household_id and deleted_at is null)
              or exists (
               select from budget.goals
               where goals.household_id = changed.household_id and due_date is not null
                 and completed_at is null and cancelled_at is null and deleted_at is null)"#,
        household_ids,
    )
    .fetch_all(connection)
    .await
}

/// Lists the next 1,000 households with budgets after the household `after`.
pub async fn list_households(connection: &mut PgConnection, after: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select distinct household_id from budget.budgets
           where household_id > $1 and deleted_at is null order by household_id limit 1000"#,
        after
    )
    .fetch_all(connection)
    .await
}
