//! Daily totals of accounts, own and nominal.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::column;
use crate::domain::posting::BalanceDeltas;

/// Adds changes to the daily totals in key order.
pub async fn add(connection: &mut PgConnection, deltas: &BalanceDeltas) -> Result<(), sqlx::Error> {
    let days = &deltas.days;
    execute!(
        connection,
        r#"insert into ledger.daily_totals (household_id, account_id, day, change, household_change, unpriced_change)
           select * from unnest($1::uuid[], $2::uuid[], $3::date[], $4::int8[], $5::int8[], $6::int8[])
           on conflict (household_id, account_id, day) do update
               set change = daily_totals.change + excluded.change,
                   household_change = daily_totals.household_change + excluded.household_change,
                   unpriced_change = daily_totals.unpriced_change + excluded.unpriced_change"#,
        &days.keys().map(|(household, _, _)| *household).collect::<Vec<_>>(),
        &days.keys().map(|(_, account, _)| *account).collect::<Vec<_>>(),
        &days.keys().map(|(_, _, day)| *day).collect::<Vec<_>>(),
        &days.values().map(|day| day.change).collect::<Vec<_>>(),
        &days.values().map(|day| day.household).collect::<Vec<_>>(),
        &days.values().map(|day| day.unpriced).collect::<Vec<_>>(),
    )
}

/// Moves the daily totals of accounts to others, given as (from, to).
pub async fn merge(
    connection: &mut PgConnection,
    household_id: Uuid,
    pairs: &[(Uuid, Uuid)],
) -> Result<(), sqlx::Error> {
    let (from, to): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    execute!(
        &mut *connection,
        r#"insert into ledger.daily_totals (household_id, account_id, day, change, household_change, unpriced_change)
           select household_id, pair.target, day, change, household_change, unpriced_change
           from unnest($2::uuid[], $3::uuid[]) as pair (source, target)
           join ledger.daily_totals on household_id = $1 and account_id = pair.source
           on conflict (household_id, account_id, day) do update
               set change = daily_totals.change + excluded.change,
                   household_change = daily_totals.household_change + excluded.household_change,
                   unpriced_change = daily_totals.unpriced_change + excluded.unpriced_change"#,
        household_id,
        &from,
        &to,
    )?;
    execute!(
        connection,
        r#"update ledger.daily_totals set change = 0, household_change = 0, unpriced_change = 0
           where household_id = $1 and account_id = any($2)"#,
        household_id,
        &from,
    )
}

/// Sums the changes of an account after each of these days, in minor units.
pub async fn sums_after(
    connection: &mut PgConnection,
    household_id: Uuid,
    account_id: Uuid,
    days: &[NaiveDate],
) -> Result<HashMap<NaiveDate, i64>, sqlx::Error> {
    let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) else { return Ok(HashMap::new()) };
    let rows = sqlx::query!(
        r#"select day, change from ledger.daily_totals
           where household_id = $1 and account_id = $2 and day > $3 and day <= $4
           union all
           select null, coalesce(sum(change), 0)::int8 from ledger.daily_totals
           where household_id = $1 and account_id = $2 and day > $4"#,
        household_id,
        account_id,
        first,
        last,
    )
    .fetch_all(connection)
    .await?;
    let (later, mut changes): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.day.is_none());
    let mut sum: i64 = later.iter().filter_map(|row| row.change).sum();
    changes.sort_unstable_by_key(|row| row.day);
    let mut sorted_days = days.to_vec();
    sorted_days.sort_unstable();
    let mut sums = HashMap::new();
    for day in sorted_days.into_iter().rev() {
        while let Some(last) = changes.pop_if(|row| row.day > Some(day)) {
            sum = sum.saturating_add(last.change.unwrap_or_default());
        }
        sums.insert(day, sum);
    }
    Ok(sums)
}

/// A range of days of an account, both ends included.
#[derive(Debug, Clone, Copy)]
pub struct AccountDateRange {
    pub account_id: Uuid,
    pub from: NaiveDate,
    pub to: NaiveDate,
}

/// The total of an account on a day.
#[derive(Debug, Clone, Copy)]
pub struct DailyTotal {
    pub account_id: Uuid,
    pub day: NaiveDate,
    /// The change in minor units of the account's currency.
    pub change: i64,
    /// The change in minor units of the household's currency.
    pub household: i64,
    /// The part of `change` without a value in the household's currency.
    pub unpriced: i64,
}

/// Lists at most `limit` daily totals, in the order of the ranges.
pub async fn list_ranges(
    connection: &mut PgConnection,
    household_id: Uuid,
    ranges: &[AccountDateRange],
    limit: usize,
) -> Result<Vec<DailyTotal>, sqlx::Error> {
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        DailyTotal,
        r#"select found.account_id as "account_id!", found.day as "day!", found.change as "change!",
                  found.household_change as "household!", found.unpriced_change as "unpriced!"
           from unnest($2::uuid[], $3::date[], $4::date[]) with ordinality
               as range (account_id, first, last, number)
           cross join lateral (
               select account_id, day, change, household_change, unpriced_change from ledger.daily_totals
               where household_id = $1 and account_id = range.account_id and day between first and last
               limit $5) as found
           order by number limit $5"#,
        household_id,
        &column(ranges, |range| range.account_id),
        &column(ranges, |range| range.from),
        &column(ranges, |range| range.to),
        i64::try_from(limit).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await
}
