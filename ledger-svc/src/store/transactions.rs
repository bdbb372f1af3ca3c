//! The current state of transactions. Lists are in `list.rs`.

mod list;
#[cfg(test)]
mod plan_tests;

use std::collections::HashMap;

use fintrac_money::Money;
use serde::Deserialize;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row as _};
use uuid::Uuid;

use super::{column, currency};
use crate::domain::details::TransactionDetails;
use crate::domain::rate::Rate;
use crate::domain::search;
use crate::domain::transaction::{Split, Transaction};

pub use list::{Filter, Sort, list};

#[derive(Deserialize)]
struct SplitRow {
    category_id: Uuid,
    amount: i64,
    description: Option<String>,
}

/// The columns of a [`Transaction`].
///
/// Subqueries read the columns of other tables: the plan of a join may lose the order.
const COLUMNS: &str = "id, transaction_type, status, account_id, \
    (select currency_code from ledger.accounts where accounts.household_id = transactions.household_id \
        and accounts.id = transactions.account_id) as account_currency, to_account_id, \
    (select currency_code from ledger.accounts where accounts.household_id = transactions.household_id \
        and accounts.id = transactions.to_account_id) as to_currency, \
    coalesce((select merged_into from ledger.categories where categories.household_id = transactions.household_id \
        and categories.id = transactions.category_id), category_id) as category_id, \
    case when is_split then (select jsonb_agg(jsonb_build_object('category_id', coalesce(merged_into, category_id), \
        'amount', splits.amount, 'description', splits.description) order by number) from ledger.splits \
        join ledger.categories on categories.household_id = splits.household_id and categories.id = category_id \
        where splits.household_id = transactions.household_id and transaction_id = transactions.id) end as splits, \
    amount, currency_code, to_amount, account_change, to_account_change, household_amount, \
    (select currency_code from ledger.households where households.id = transactions.household_id) \
        as household_currency, \
    rate, rate_date, rate_source, details, transaction_date, recurring_id, version, posted_revision, created_at, \
    updated_at";

impl FromRow<'_, PgRow> for Transaction {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let currency_of = |column: &str| currency(row.try_get(column)?);
        let (entered_currency, household_currency) =
            (currency_of("currency_code")?, currency_of("household_currency")?);
        let to_currency = row.try_get::<Option<&str>, _>("to_currency")?.map(currency).transpose()?;
        let in_to_currency = |column: &str| {
            let minor = row.try_get::<Option<i64>, _>(column)?;
            Ok::<_, sqlx::Error>(minor.zip(to_currency).map(|(minor, currency)| Money::new(minor, currency)))
        };
        let split = |row: SplitRow| Split {
            category_id: row.category_id,
            amount: Money::new(row.amount, entered_currency),
            description: row.description,
        };
        let splits: Option<Json<Vec<SplitRow>>> = row.try_get("splits")?;
        let rate = match (row.try_get("rate")?, row.try_get("rate_date")?, row.try_get("rate_source")?) {
            (Some(value), Some(day), Some(source)) => Some(Rate { value, day, source }),
            _ => None,
        };
        let household_amount: Option<i64> = row.try_get("household_amount")?;
        Ok(Self {
            id: row.try_get("id")?,
            transaction_type: row.try_get("transaction_type")?,
            status: row.try_get("status")?,
            account_id: row.try_get("account_id")?,
            to_account_id: row.try_get("to_account_id")?,
            category_id: row.try_get("category_id")?,
            splits: splits.into_iter().flat_map(|Json(splits)| splits).map(split).collect(),
            amount: Money::new(row.try_get("amount")?, entered_currency),
            to_amount: in_to_currency("to_amount")?,
            account_change: Money::new(row.try_get("account_change")?, currency_of("account_currency")?),
            to_account_change: in_to_currency("to_account_change")?,
            household_amount: household_amount.map(|minor| Money::new(minor, household_currency)),
            household_currency,
            rate,
            details: row.try_get::<Json<_>, _>("details")?.0,
            date: row.try_get("transaction_date")?,
            recurring_id: row.try_get("recurring_id")?,
            version: row.try_get("version")?,
            posted_revision: row.try_get("posted_revision")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

async fn fetch(
    connection: &mut PgConnection,
    mut query: QueryBuilder<Postgres>,
) -> Result<Vec<Transaction>, sqlx::Error> {
    query.build_query_as().fetch_all(connection).await
}

/// Finds a transaction, posted or voided.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    transaction_id: Uuid,
) -> Result<Option<Transaction>, sqlx::Error> {
    let mut query = QueryBuilder::new("select ");
    query.push(COLUMNS).push(" from ledger.transactions ");
    query.push("where household_id = ").push_bind(household_id);
    query.push(" and id = ").push_bind(transaction_id);
    Ok(fetch(connection, query).await?.pop())
}

/// Locks transactions, given as (household, transaction), in key order.
///
/// Returns their own accounts as (household, account).
pub async fn lock(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid)],
) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    let (households, ids): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select transactions.household_id, account_id, to_account_id
           from unnest($1::uuid[], $2::uuid[]) as requested (household_id, id)
           join ledger.transactions using (household_id, id)
           order by transactions.household_id, transactions.id
           for update of transactions"#,
        &households,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    let accounts = rows.into_iter().flat_map(|row| {
        let ids = std::iter::once(row.account_id).chain(row.to_account_id);
        ids.map(move |account| (row.household_id, account))
    });
    Ok(accounts.collect())
}

/// Finds transactions, given as (household, transaction).
pub async fn find_many(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid)],
) -> Result<Vec<(Uuid, Transaction)>, sqlx::Error> {
    let (households, ids): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let by_id: HashMap<_, _> = keys.iter().map(|(household, id)| (*id, *household)).collect();
    let mut query = QueryBuilder::new("select ");
    query.push(COLUMNS).push(" from ledger.transactions ");
    query.push("where (household_id, id) in (select * from unnest(");
    query.push_bind(households).push("::uuid[], ").push_bind(ids).push("::uuid[]))");
    let found = fetch(connection, query).await?;
    Ok(found
        .into_iter()
        .filter_map(|transaction| by_id.get(&transaction.id).map(|household| (*household, transaction)))
        .collect())
}

/// Lists up to `limit` transactions without a search vector.
///
/// They are returned as (household, transaction, details).
pub async fn without_search_vector(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid, TransactionDetails)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select household_id, id, details as "details: Json<TransactionDetails>" from ledger.transactions
           where search_vector is null limit $1"#,
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.household_id, row.id, row.details.0)).collect())
}

/// Stores search vectors unless an edit stored them meanwhile.
pub async fn set_search_vectors(
    connection: &mut PgConnection,
    rows: &[(Uuid, Uuid, TransactionDetails)],
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"update ledger.transactions set search_vector = new.search_vector::tsvector
           from unnest($1::uuid[], $2::uuid[], $3::text[]) as new (household_id, id, search_vector)
           where transactions.household_id = new.household_id and transactions.id = new.id
             and transactions.search_vector is null"#,
        &column(rows, |(household, ..)| *household),
        &column(rows, |(_, id, _)| *id),
        &column(rows, |(household, _, details)| search::search_vector(*household, details)),
    )
}

/// Sums, for each transaction, the changes of an account by later ones of its day.
///
/// Transactions of a day are in id order. The sums are in minor units; voided
/// transactions change nothing.
pub async fn later_changes_that_day(
    connection: &mut PgConnection,
    household_id: Uuid,
    account_id: Uuid,
    transactions: &[Transaction],
) -> Result<HashMap<Uuid, i64>, sqlx::Error> {
    let ids: Vec<_> = transactions.iter().map(|transaction| transaction.id).collect();
    let mut days: Vec<_> = transactions.iter().map(|transaction| transaction.date).collect();
    days.sort_unstable();
    days.dedup();
    // Day by day: for a list of days the planner would read all transactions of an account.
    let rows = sqlx::query!(
        r#"with of_days as (
               select id, transaction_date, change
               from unnest($3::date[]) as requested (day) cross join lateral (
                   select id, transaction_date, account_change as change from ledger.transactions
                   where household_id = $1 and account_id = $2 and status = 'posted' and transaction_date = day
                   union all
                   select id, transaction_date, to_account_change from ledger.transactions
                   where household_id = $1 and to_account_id = $2 and status = 'posted'
                     and transaction_date = day) as of_day
               union all
               select id, transaction_date, 0 from ledger.transactions
               where household_id = $1 and id = any($4) and status = 'voided'),
           summed as (
               select id, sum(change) over (
                   partition by transaction_date order by id desc
                   rows between unbounded preceding and 1 preceding) as later
               from of_days)
           select id as "id!", coalesce(later, 0)::int8 as "later!" from summed where id = any($4)"#,
        household_id,
        account_id,
        &days,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.later)).collect())
}

/// Executes a statement between `$before` and `$after` on rows of transactions.
///
/// The rows are (household, transaction). Parameters after `$after` begin with $26.
macro_rules! write_rows {
    ($connection:expr, $rows:expr, $before:literal, $after:literal $(, $more:expr)*) => {
        execute!(
            $connection,
            $before
                + " from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[],
                       $8::int8[], $9::text[], $10::int8[], $11::int8[], $12::int8[], $13::int8[], $14::numeric[],
                       $15::date[], $16::text[], $17::jsonb[], $18::date[], $19::int8[], $20::int8[],
                       $21::timestamptz[], $22::timestamptz[], $23::bool[], $24::text[]::tsvector[], $25::uuid[])
               as new (household_id, id, transaction_type, status, account_id, to_account_id, category_id, amount,
                       currency_code, to_amount, account_change, to_account_change, household_amount, rate,
                       rate_date, rate_source, details, transaction_date, version, posted_revision, created_at,
                       updated_at, is_split, search_vector, recurring_id)"
                + $after,
            &column($rows, |(household, _)| *household),
            &column($rows, |(_, transaction)| transaction.id),
            &column($rows, |(_, transaction)| transaction.transaction_type) as _,
            &column($rows, |(_, transaction)| transaction.status) as _,
            &column($rows, |(_, transaction)| transaction.account_id),
            &column($rows, |(_, transaction)| transaction.to_account_id) as _,
            &column($rows, |(_, transaction)| transaction.category_id) as _,
            &column($rows, |(_, transaction)| transaction.amount.minor()),
            &column($rows, |(_, transaction)| transaction.amount.currency().code().to_owned()),
            &column($rows, |(_, transaction)| transaction.to_amount.map(Money::minor)) as _,
            &column($rows, |(_, transaction)| transaction.account_change.minor()),
            &column($rows, |(_, transaction)| transaction.to_account_change.map(Money::minor)) as _,
            &column($rows, |(_, transaction)| transaction.household_amount.map(Money::minor)) as _,
            &column($rows, |(_, transaction)| transaction.rate.map(|rate| rate.value)) as _,
            &column($rows, |(_, transaction)| transaction.rate.map(|rate| rate.day)) as _,
            &column($rows, |(_, transaction)| transaction.rate.map(|rate| rate.source)) as _,
            &column($rows, |(_, transaction)| Json(&transaction.details)) as _,
            &column($rows, |(_, transaction)| transaction.date),
            &column($rows, |(_, transaction)| transaction.version),
            &column($rows, |(_, transaction)| transaction.posted_revision) as _,
            &column($rows, |(_, transaction)| transaction.created_at),
            &column($rows, |(_, transaction)| transaction.updated_at),
            &column($rows, |(_, transaction)| !transaction.splits.is_empty()),
            &column($rows, |(household, transaction)| search::search_vector(*household, &transaction.details)),
            &column($rows, |(_, transaction)| transaction.recurring_id) as _,
            $($more,)*
        )
    };
}

/// Inserts transactions, given with their households.
pub async fn insert(connection: &mut PgConnection, new: &[(Uuid, &Transaction)]) -> Result<(), sqlx::Error> {
    write_rows!(
        connection,
        new,
        "insert into ledger.transactions (household_id, id, transaction_type, status, account_id, to_account_id,
             category_id, amount, currency_code, to_amount, account_change, to_account_change, household_amount,
             rate, rate_date, rate_source, details, transaction_date, version, posted_revision, created_at,
             updated_at, is_split, search_vector, recurring_id)
         select *",
        ""
    )
}

/// Updates locked transactions, given with their households.
///
/// Details that a newer version of the service stored remain.
pub async fn update(
    connection: &mut PgConnection,
    changed: &[(Uuid, &Transaction)],
) -> Result<(), sqlx::Error> {
    write_rows!(
        connection,
        changed,
        "update ledger.transactions set
             transaction_type = new.transaction_type, status = new.status, account_id = new.account_id,
             to_account_id = new.to_account_id, category_id = new.category_id, amount = new.amount,
             currency_code = new.currency_code, to_amount = new.to_amount, account_change = new.account_change,
             to_account_change = new.to_account_change, household_amount = new.household_amount,
             rate = new.rate, rate_date = new.rate_date, rate_source = new.rate_source,
             details = (transactions.details - $26::text[]) || new.details,
             transaction_date = new.transaction_date, version = new.version,
             posted_revision = new.posted_revision, updated_at = new.updated_at, is_split = new.is_split,
             search_vector = new.search_vector",
        " where transactions.household_id = new.household_id and transactions.id = new.id",
        &column(TransactionDetails::FIELDS, |field| (*field).to_owned())
    )
}
