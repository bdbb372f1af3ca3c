//! The ledger's copy of households.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::household;
use fintrac_money::Household;

pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
) -> Result<Option<Household>, sqlx::Error> {
    let row =
        sqlx::query!("select currency_code, timezone from ledger.households where id = $1", household_id)
            .fetch_optional(connection)
            .await?;
    row.map(|row| household(household_id, &row.currency_code, &row.timezone)).transpose()
}

/// Inserts a household; returns whether it was new.
pub async fn insert(
    connection: &mut PgConnection,
    household: &Household,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"insert into ledger.households (id, currency_code, timezone, created_at) values ($1, $2, $3, $4)
           on conflict (id) do nothing"#,
        household.id,
        household.currency.code(),
        household.timezone.name(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn set_timezone(connection: &mut PgConnection, household: &Household) -> Result<(), sqlx::Error> {
    let (id, timezone) = (household.id, household.timezone.name());
    execute!(connection, "update ledger.households set timezone = $2 where id = $1", id, timezone)
}

/// Sets the time zone if the stored one is still that of `before`.
pub async fn set_timezone_if_unchanged(
    connection: &mut PgConnection,
    before: &Household,
    after: &Household,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        "update ledger.households set timezone = $3 where id = $1 and timezone = $2",
        before.id,
        before.timezone.name(),
        after.timezone.name(),
    )
}

/// Locks households in key order.
/// The lock serializes changes of account names, categories and recurring transactions.
pub async fn lock(connection: &mut PgConnection, household_ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select id from ledger.households where id = any($1) order by id for no key update",
        household_ids
    )
    .fetch_all(connection)
    .await
    .map(|_| ())
}
