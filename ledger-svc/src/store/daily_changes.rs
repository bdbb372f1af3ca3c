//! What each day changed on each account.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::posting::Moves;

/// Adds to the days, in key order.
pub async fn add(connection: &mut PgConnection, moves: &Moves) -> Result<(), sqlx::Error> {
    let days = &moves.days;
    sqlx::query!(
        r#"insert into ledger.daily_changes (household_id, account_id, day, change, household_change, unpriced_change)
           select * from unnest($1::uuid[], $2::uuid[], $3::date[], $4::int8[], $5::int8[], $6::int8[])
           on conflict (household_id, account_id, day) do update
               set change = daily_changes.change + excluded.change,
                   household_change = daily_changes.household_change + excluded.household_change,
                   unpriced_change = daily_changes.unpriced_change + excluded.unpriced_change"#,
        &days.keys().map(|(household, _, _)| *household).collect::<Vec<_>>(),
        &days.keys().map(|(_, account, _)| *account).collect::<Vec<_>>(),
        &days.keys().map(|(_, _, day)| *day).collect::<Vec<_>>(),
        &days.values().map(|day| day.change).collect::<Vec<_>>(),
        &days.values().map(|day| day.household).collect::<Vec<_>>(),
        &days.values().map(|day| day.unpriced).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Adds the days of accounts to those of others, (from, to), and leaves nothing.
pub async fn merge(
    connection: &mut PgConnection,
    household_id: Uuid,
    pairs: &[(Uuid, Uuid)],
) -> Result<(), sqlx::Error> {
    let (from, to): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    sqlx::query!(
        r#"insert into ledger.daily_changes (household_id, account_id, day, change, household_change, unpriced_change)
           select household_id, pair.target, day, change, household_change, unpriced_change
           from unnest($2::uuid[], $3::uuid[]) as pair (source, target)
           join ledger.daily_changes on household_id = $1 and account_id = pair.source
           on conflict (household_id, account_id, day) do update
               set change = daily_changes.change + excluded.change,
                   household_change = daily_changes.household_change + excluded.household_change,
                   unpriced_change = daily_changes.unpriced_change + excluded.unpriced_change"#,
        household_id,
        &from,
        &to,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"update ledger.daily_changes set change = 0, household_change = 0, unpriced_change = 0
           where household_id = $1 and account_id = any($2)"#,
        household_id,
        &from,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// What all days after each of these days changed on an account, minor units.
pub async fn sums_after(
    connection: &mut PgConnection,
    household_id: Uuid,
    account_id: Uuid,
    days: &[NaiveDate],
) -> Result<HashMap<NaiveDate, i64>, sqlx::Error> {
    let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) else { return Ok(HashMap::new()) };
    let rows = sqlx::query!(
        r#"select day, change from ledger.daily_changes
           where household_id = $1 and account_id = $2 and day > $3 and day <= $4
           union all
           select null, coalesce(sum(change), 0)::int8 from ledger.daily_changes
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
    let mut wanted = days.to_vec();
    wanted.sort_unstable();
    let mut sums = HashMap::new();
    for day in wanted.into_iter().rev() {
        while let Some(last) = changes.pop_if(|row| row.day > Some(day)) {
            sum = sum.saturating_add(last.change.unwrap_or_default());
        }
        sums.insert(day, sum);
    }
    Ok(sums)
}

/// Days of one account that a question, given by its number, asks for.
#[derive(Debug, Clone)]
pub struct Span {
    pub number: usize,
    pub account_id: Uuid,
    pub from: NaiveDate,
    pub to: NaiveDate,
}

fn number(row: i64) -> usize {
    usize::try_from(row).unwrap_or(usize::MAX)
}

struct Columns {
    numbers: Vec<i64>,
    accounts: Vec<Uuid>,
    from: Vec<NaiveDate>,
    to: Vec<NaiveDate>,
}

impl Columns {
    fn of(spans: &[Span]) -> Self {
        Self {
            numbers: spans.iter().map(|span| i64::try_from(span.number).unwrap_or(i64::MAX)).collect(),
            accounts: spans.iter().map(|span| span.account_id).collect(),
            from: spans.iter().map(|span| span.from).collect(),
            to: spans.iter().map(|span| span.to).collect(),
        }
    }
}

/// The sum of a span on an account, minor units.
#[derive(Debug, Clone, Copy)]
pub struct SpanSum {
    pub number: usize,
    pub account_id: Uuid,
    /// In the household's currency.
    pub household: i64,
    /// In the account's currency: what has no value in the household's.
    pub unpriced: i64,
}

/// The sums of spans by number and account.
pub async fn household_sums(
    connection: &mut PgConnection,
    household_id: Uuid,
    spans: &[Span],
) -> Result<Vec<SpanSum>, sqlx::Error> {
    if spans.is_empty() {
        return Ok(Vec::new());
    }
    let c = Columns::of(spans);
    let rows = sqlx::query!(
        r#"select number as "number!", daily_changes.account_id, sum(household_change)::int8 as "household!",
                  sum(unpriced_change)::int8 as "unpriced!"
           from unnest($2::int8[], $3::uuid[], $4::date[], $5::date[]) as span (number, account_id, first, last)
           join ledger.daily_changes
             on household_id = $1 and daily_changes.account_id = span.account_id and day between first and last
           group by 1, 2"#,
        household_id,
        &c.numbers,
        &c.accounts,
        &c.from,
        &c.to,
    )
    .fetch_all(connection)
    .await?;
    let sums = rows.into_iter().map(|row| SpanSum {
        number: number(row.number),
        account_id: row.account_id,
        household: row.household,
        unpriced: row.unpriced,
    });
    Ok(sums.collect())
}

/// Number, account, day and change of each day that changed something.
pub async fn sums_by_day(
    connection: &mut PgConnection,
    household_id: Uuid,
    spans: &[Span],
) -> Result<Vec<(usize, Uuid, NaiveDate, i64)>, sqlx::Error> {
    if spans.is_empty() {
        return Ok(Vec::new());
    }
    let c = Columns::of(spans);
    let rows = sqlx::query!(
        r#"select number as "number!", daily_changes.account_id, day, change
           from unnest($2::int8[], $3::uuid[], $4::date[], $5::date[]) as span (number, account_id, first, last)
           join ledger.daily_changes
             on household_id = $1 and daily_changes.account_id = span.account_id and day between first and last
           where change <> 0"#,
        household_id,
        &c.numbers,
        &c.accounts,
        &c.from,
        &c.to,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (number(row.number), row.account_id, row.day, row.change)).collect())
}

/// Number, account, day and amount of what has no value in the household's currency.
pub async fn unpriced_sums_by_day(
    connection: &mut PgConnection,
    household_id: Uuid,
    spans: &[Span],
) -> Result<Vec<(usize, Uuid, NaiveDate, i64)>, sqlx::Error> {
    if spans.is_empty() {
        return Ok(Vec::new());
    }
    let c = Columns::of(spans);
    let rows = sqlx::query!(
        r#"select number as "number!", daily_changes.account_id, day, unpriced_change
           from unnest($2::int8[], $3::uuid[], $4::date[], $5::date[]) as span (number, account_id, first, last)
           join ledger.daily_changes
             on household_id = $1 and daily_changes.account_id = span.account_id and day between first and last
           where unpriced_change <> 0 order by day"#,
        household_id,
        &c.numbers,
        &c.accounts,
        &c.from,
        &c.to,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (number(row.number), row.account_id, row.day, row.unpriced_change))
        .collect())
}
