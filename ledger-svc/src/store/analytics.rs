//! Sums for analytics, from the daily totals.

use chrono::NaiveDate;
use fintrac_money::Currency;
use sqlx::PgConnection;
use uuid::Uuid;

use super::currency;
use crate::domain::category::CategoryType;
use crate::domain::interval::{Interval, Span};
use crate::domain::posting::DailyDelta;

/// The side of the analytics on which a nominal account counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowDirection {
    Income,
    Expense,
    /// Opening balances and adjustments.
    Other,
}

/// A nominal account that is neither an exchange account nor merged into another.
#[derive(Debug)]
pub struct NominalAccount {
    pub id: Uuid,
    pub side: FlowDirection,
    pub category_id: Option<Uuid>,
    pub currency: Currency,
}

pub async fn nominal_accounts(
    connection: &mut PgConnection,
    household_id: Uuid,
) -> Result<Vec<NominalAccount>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select nominal_accounts.id, purpose, category_id, currency_code,
                  category_type as "category_type?: CategoryType"
           from ledger.nominal_accounts
           left join ledger.categories on categories.household_id = nominal_accounts.household_id
               and categories.id = category_id
           where nominal_accounts.household_id = $1 and purpose <> 'exchange'
             and nominal_accounts.merged_into is null"#,
        household_id
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let side = match (row.purpose.as_str(), row.category_type) {
                (_, Some(CategoryType::Income)) | ("income", None) => FlowDirection::Income,
                (_, Some(CategoryType::Expense)) | ("expense", None) => FlowDirection::Expense,
                _ => FlowDirection::Other,
            };
            let currency = currency(&row.currency_code)?;
            Ok(NominalAccount { id: row.id, side, category_id: row.category_id, currency })
        })
        .collect()
}

/// The change of an account in an interval.
#[derive(Debug, Clone, Copy)]
pub struct Total {
    pub account_id: Uuid,
    /// The first day of the interval. None if the span is not split.
    pub interval: Option<NaiveDate>,
    pub delta: DailyDelta,
}

/// Sums the changes of accounts by interval, or over the whole span.
pub async fn totals(
    connection: &mut PgConnection,
    household_id: Uuid,
    accounts: &[Uuid],
    span: Span,
    interval: Option<Interval>,
) -> Result<Vec<Total>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select account_id as "account_id!",
                  case $5::text when 'day' then day when 'week' then date_trunc('week', day)::date
                      when 'month' then date_trunc('month', day)::date end as interval,
                  sum(change)::int8 as "change!", sum(household_change)::int8 as "household_change!",
                  sum(unpriced_change)::int8 as "unpriced_change!"
           from unnest($2::uuid[]) as requested (account_id)
           join ledger.daily_totals using (account_id)
           where household_id = $1 and day between $3 and $4
           group by 1, 2"#,
        household_id,
        accounts,
        span.from,
        span.to,
        interval.map(|interval| interval.into_str()),
    )
    .fetch_all(connection)
    .await?;
    let totals = rows.into_iter().map(|row| {
        let delta = delta(row.change, row.household_change, row.unpriced_change);
        Total { account_id: row.account_id, interval: row.interval, delta }
    });
    Ok(totals.collect())
}

fn delta(change: i64, household: i64, unpriced: i64) -> DailyDelta {
    DailyDelta { change, household, unpriced }
}

/// Sums the spending from each account of the household, by currency.
///
/// `accounts` are the nominal accounts that count as spending.
pub async fn spending_by_account(
    connection: &mut PgConnection,
    household_id: Uuid,
    accounts: &[Uuid],
    span: Span,
) -> Result<Vec<(Uuid, Currency, DailyDelta)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select transactions.account_id, postings.currency_code, sum(postings.amount)::int8 as "change!",
                  coalesce(sum(postings.household_amount), 0)::int8 as "household_change!",
                  coalesce(sum(postings.amount) filter (where postings.household_amount is null), 0)::int8
                      as "unpriced_change!"
           from ledger.transactions
           join ledger.postings on postings.household_id = transactions.household_id
               and postings.transaction_id = transactions.id and revision = posted_revision and not is_reversal
           join ledger.nominal_accounts on nominal_accounts.household_id = postings.household_id
               and nominal_accounts.id = postings.account_id
           where transactions.household_id = $1 and status = 'posted' and transaction_date between $3 and $4
             and coalesce(merged_into, nominal_accounts.id) in (select unnest($2::uuid[]))
           group by 1, 2"#,
        household_id,
        accounts,
        span.from,
        span.to,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let delta = delta(row.change, row.household_change, row.unpriced_change);
            Ok((row.account_id, currency(&row.currency_code)?, delta))
        })
        .collect()
}

/// Sums the changes of accounts by day of the week.
///
/// The days are from 1, Monday, to 7 (ISO 8601).
pub async fn by_weekday(
    connection: &mut PgConnection,
    household_id: Uuid,
    accounts: &[Uuid],
    span: Span,
) -> Result<Vec<(i32, Uuid, DailyDelta)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select extract(isodow from day)::int4 as "weekday!", account_id as "account_id!",
                  sum(change)::int8 as "change!", sum(household_change)::int8 as "household_change!",
                  sum(unpriced_change)::int8 as "unpriced_change!"
           from unnest($2::uuid[]) as requested (account_id)
           join ledger.daily_totals using (account_id)
           where household_id = $1 and day between $3 and $4
           group by 1, 2"#,
        household_id,
        accounts,
        span.from,
        span.to,
    )
    .fetch_all(connection)
    .await?;
    let totals = rows.into_iter().map(|row| {
        let delta = delta(row.change, row.household_change, row.unpriced_change);
        (row.weekday, row.account_id, delta)
    });
    Ok(totals.collect())
}
