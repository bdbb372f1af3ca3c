//! The current state of transactions. Lists are in `list.rs`.

mod list;
#[cfg(test)]
mod plan_tests;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_money::Money;
use rust_decimal::Decimal;
use serde::Deserialize;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{currency, parse_stored};
use crate::domain::rate::{Rate, Source};
use crate::domain::search;
use crate::domain::transaction::{Split, Texts, Transaction, TransactionStatus, TransactionType};

pub use list::{Filter, Sort, list};

#[derive(FromRow)]
struct TransactionRow {
    id: Uuid,
    transaction_type: String,
    status: String,
    account_id: Uuid,
    account_currency: String,
    to_account_id: Option<Uuid>,
    to_currency: Option<String>,
    category_id: Option<Uuid>,
    splits: Option<Json<Vec<SplitRow>>>,
    amount: i64,
    currency_code: String,
    to_amount: Option<i64>,
    account_change: i64,
    to_account_change: Option<i64>,
    household_amount: Option<i64>,
    household_currency: String,
    rate: Option<Decimal>,
    rate_date: Option<NaiveDate>,
    rate_source: Option<String>,
    description: Option<String>,
    reference_number: Option<String>,
    notes: Option<String>,
    tags: Vec<String>,
    transaction_date: NaiveDate,
    recurring_id: Option<Uuid>,
    version: i64,
    posted_revision: Option<i64>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct SplitRow {
    category_id: Uuid,
    amount: i64,
    description: Option<String>,
}

/// The columns of [`TransactionRow`].
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
    rate, rate_date, rate_source, description, reference_number, notes, tags, transaction_date, recurring_id, version, \
    posted_revision, created_at, updated_at";

impl TryFrom<TransactionRow> for Transaction {
    type Error = sqlx::Error;

    fn try_from(row: TransactionRow) -> Result<Self, sqlx::Error> {
        let household_currency = currency(&row.household_currency)?;
        let to_currency = row.to_currency.as_deref().map(currency).transpose()?;
        let in_to_currency =
            |minor: Option<i64>| minor.zip(to_currency).map(|(minor, currency)| Money::new(minor, currency));
        let entered_currency = currency(&row.currency_code)?;
        let split = |row: SplitRow| Split {
            category_id: row.category_id,
            amount: Money::new(row.amount, entered_currency),
            description: row.description,
        };
        let rate = match (row.rate, row.rate_date, row.rate_source) {
            (Some(value), Some(day), Some(source)) => {
                Some(Rate { value, day, source: parse_stored(&source, Source::from_text)? })
            }
            _ => None,
        };
        Ok(Self {
            id: row.id,
            transaction_type: parse_stored(&row.transaction_type, TransactionType::from_text)?,
            status: parse_stored(&row.status, TransactionStatus::from_text)?,
            account_id: row.account_id,
            to_account_id: row.to_account_id,
            category_id: row.category_id,
            splits: row.splits.into_iter().flat_map(|Json(splits)| splits).map(split).collect(),
            amount: Money::new(row.amount, entered_currency),
            to_amount: in_to_currency(row.to_amount),
            account_change: Money::new(row.account_change, currency(&row.account_currency)?),
            to_account_change: in_to_currency(row.to_account_change),
            household_amount: row.household_amount.map(|minor| Money::new(minor, household_currency)),
            household_currency,
            rate,
            texts: Texts {
                description: row.description,
                reference_number: row.reference_number,
                notes: row.notes,
                tags: row.tags,
            },
            date: row.transaction_date,
            recurring_id: row.recurring_id,
            version: row.version,
            posted_revision: row.posted_revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

async fn fetch(
    connection: &mut PgConnection,
    mut query: QueryBuilder<Postgres>,
) -> Result<Vec<Transaction>, sqlx::Error> {
    let rows: Vec<TransactionRow> = query.build_query_as().fetch_all(connection).await?;
    rows.into_iter().map(Transaction::try_from).collect()
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
/// They are returned as (household, transaction, texts).
pub async fn without_search_vector(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid, Texts)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select household_id, id, description, reference_number, notes, tags from ledger.transactions
           where search_vector is null limit $1"#,
        limit
    )
    .fetch_all(connection)
    .await?;
    let texts = rows.into_iter().map(|row| {
        let (description, reference_number, notes) = (row.description, row.reference_number, row.notes);
        (row.household_id, row.id, Texts { description, reference_number, notes, tags: row.tags })
    });
    Ok(texts.collect())
}

/// Stores search vectors unless an edit stored them meanwhile.
pub async fn set_search_vectors(
    connection: &mut PgConnection,
    rows: &[(Uuid, Uuid, Texts)],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update ledger.transactions set search_vector = new.search_vector::tsvector
           from unnest($1::uuid[], $2::uuid[], $3::text[]) as new (household_id, id, search_vector)
           where transactions.household_id = new.household_id and transactions.id = new.id
             and transactions.search_vector is null"#,
        &rows.iter().map(|(household, ..)| *household).collect::<Vec<_>>(),
        &rows.iter().map(|(_, id, _)| *id).collect::<Vec<_>>(),
        &rows
            .iter()
            .map(|(household, _, texts)| search::search_vector(*household, texts))
            .collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map(|_| ())
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

/// Inserts transactions, given with their households.
pub async fn insert(connection: &mut PgConnection, new: &[(Uuid, &Transaction)]) -> Result<(), sqlx::Error> {
    let c = Columns::from_rows(new);
    sqlx::query!(
        r#"insert into ledger.transactions (household_id, id, transaction_type, status, account_id, to_account_id,
               category_id, amount, currency_code, to_amount, account_change, to_account_change, household_amount,
               rate, rate_date, rate_source, description, reference_number, notes, tags, transaction_date, version,
               posted_revision, created_at, updated_at, is_split, search_vector, recurring_id)
           select household_id, id, transaction_type, status, account_id, to_account_id, category_id, amount,
               currency_code, to_amount, account_change, to_account_change, household_amount, rate, rate_date,
               rate_source, description, reference_number, notes,
               array(select jsonb_array_elements_text(tags)), transaction_date, version, posted_revision,
               created_at, updated_at, is_split, search_vector::tsvector, recurring_id
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[],
                       $8::int8[], $9::text[], $10::int8[], $11::int8[], $12::int8[], $13::int8[], $14::numeric[],
                       $15::date[], $16::text[], $17::text[], $18::text[], $19::text[], $20::jsonb[], $21::date[],
                       $22::int8[], $23::int8[], $24::timestamptz[], $25::timestamptz[], $26::bool[], $27::text[],
                       $28::uuid[])
               as new (household_id, id, transaction_type, status, account_id, to_account_id, category_id, amount,
                       currency_code, to_amount, account_change, to_account_change, household_amount, rate,
                       rate_date, rate_source, description, reference_number, notes, tags, transaction_date,
                       version, posted_revision, created_at, updated_at, is_split, search_vector,
                       recurring_id)"#,
        &c.households, &c.ids, &c.types, &c.statuses, &c.accounts, &c.to_accounts as _, &c.categories as _,
        &c.amounts, &c.currencies, &c.to_amounts as _, &c.changes, &c.to_changes as _, &c.household_amounts as _,
        &c.rates as _, &c.rate_dates as _, &c.rate_sources as _, &c.descriptions as _, &c.references as _,
        &c.notes as _, &c.tags, &c.dates, &c.versions, &c.posted_revisions as _, &c.created, &c.updated,
        &c.split, &c.search_vectors, &c.recurring as _,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Updates locked transactions, given with their households.
pub async fn update(
    connection: &mut PgConnection,
    changed: &[(Uuid, &Transaction)],
) -> Result<(), sqlx::Error> {
    let c = Columns::from_rows(changed);
    sqlx::query!(
        r#"update ledger.transactions set
               transaction_type = new.transaction_type, status = new.status, account_id = new.account_id,
               to_account_id = new.to_account_id, category_id = new.category_id, amount = new.amount,
               currency_code = new.currency_code, to_amount = new.to_amount, account_change = new.account_change,
               to_account_change = new.to_account_change, household_amount = new.household_amount,
               rate = new.rate, rate_date = new.rate_date, rate_source = new.rate_source,
               description = new.description, reference_number = new.reference_number, notes = new.notes,
               tags = array(select jsonb_array_elements_text(new.tags)), transaction_date = new.transaction_date,
               version = new.version, posted_revision = new.posted_revision, updated_at = new.updated_at,
               is_split = new.is_split, search_vector = new.search_vector::tsvector
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[],
                       $8::int8[], $9::text[], $10::int8[], $11::int8[], $12::int8[], $13::int8[], $14::numeric[],
                       $15::date[], $16::text[], $17::text[], $18::text[], $19::text[], $20::jsonb[], $21::date[],
                       $22::int8[], $23::int8[], $24::timestamptz[], $25::bool[], $26::text[])
               as new (household_id, id, transaction_type, status, account_id, to_account_id, category_id, amount,
                       currency_code, to_amount, account_change, to_account_change, household_amount, rate,
                       rate_date, rate_source, description, reference_number, notes, tags, transaction_date,
                       version, posted_revision, updated_at, is_split, search_vector)
           where transactions.household_id = new.household_id and transactions.id = new.id"#,
        &c.households, &c.ids, &c.types, &c.statuses, &c.accounts, &c.to_accounts as _, &c.categories as _,
        &c.amounts, &c.currencies, &c.to_amounts as _, &c.changes, &c.to_changes as _, &c.household_amounts as _,
        &c.rates as _, &c.rate_dates as _, &c.rate_sources as _, &c.descriptions as _, &c.references as _,
        &c.notes as _, &c.tags, &c.dates, &c.versions, &c.posted_revisions as _, &c.updated, &c.split,
        &c.search_vectors,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// The columns of transactions, as arrays for `unnest`.
///
/// Tags are JSON, because the rows of a PostgreSQL array must have equal lengths.
struct Columns {
    households: Vec<Uuid>,
    ids: Vec<Uuid>,
    types: Vec<String>,
    statuses: Vec<String>,
    accounts: Vec<Uuid>,
    to_accounts: Vec<Option<Uuid>>,
    categories: Vec<Option<Uuid>>,
    amounts: Vec<i64>,
    currencies: Vec<String>,
    to_amounts: Vec<Option<i64>>,
    changes: Vec<i64>,
    to_changes: Vec<Option<i64>>,
    household_amounts: Vec<Option<i64>>,
    rates: Vec<Option<Decimal>>,
    rate_dates: Vec<Option<NaiveDate>>,
    rate_sources: Vec<Option<String>>,
    descriptions: Vec<Option<String>>,
    references: Vec<Option<String>>,
    notes: Vec<Option<String>>,
    tags: Vec<serde_json::Value>,
    dates: Vec<NaiveDate>,
    versions: Vec<i64>,
    posted_revisions: Vec<Option<i64>>,
    created: Vec<DateTime<Utc>>,
    updated: Vec<DateTime<Utc>>,
    split: Vec<bool>,
    /// The search vectors as text.
    search_vectors: Vec<String>,
    recurring: Vec<Option<Uuid>>,
}

impl Columns {
    fn from_rows(rows: &[(Uuid, &Transaction)]) -> Self {
        fn column<T>(rows: &[(Uuid, &Transaction)], value: impl Fn(&Transaction) -> T) -> Vec<T> {
            rows.iter().map(|(_, transaction)| value(transaction)).collect()
        }
        Self {
            households: rows.iter().map(|(household, _)| *household).collect(),
            ids: column(rows, |transaction| transaction.id),
            types: column(rows, |transaction| transaction.transaction_type.as_str().to_owned()),
            statuses: column(rows, |transaction| transaction.status.as_str().to_owned()),
            accounts: column(rows, |transaction| transaction.account_id),
            to_accounts: column(rows, |transaction| transaction.to_account_id),
            categories: column(rows, |transaction| transaction.category_id),
            amounts: column(rows, |transaction| transaction.amount.minor()),
            currencies: column(rows, |transaction| transaction.amount.currency().code().to_owned()),
            to_amounts: column(rows, |transaction| transaction.to_amount.map(Money::minor)),
            changes: column(rows, |transaction| transaction.account_change.minor()),
            to_changes: column(rows, |transaction| transaction.to_account_change.map(Money::minor)),
            household_amounts: column(rows, |transaction| transaction.household_amount.map(Money::minor)),
            rates: column(rows, |transaction| transaction.rate.map(|rate| rate.value)),
            rate_dates: column(rows, |transaction| transaction.rate.map(|rate| rate.day)),
            rate_sources: column(rows, |transaction| {
                transaction.rate.map(|rate| rate.source.as_str().to_owned())
            }),
            descriptions: column(rows, |transaction| transaction.texts.description.clone()),
            references: column(rows, |transaction| transaction.texts.reference_number.clone()),
            notes: column(rows, |transaction| transaction.texts.notes.clone()),
            tags: column(rows, |transaction| transaction.texts.tags.clone().into()),
            dates: column(rows, |transaction| transaction.date),
            versions: column(rows, |transaction| transaction.version),
            posted_revisions: column(rows, |transaction| transaction.posted_revision),
            created: column(rows, |transaction| transaction.created_at),
            updated: column(rows, |transaction| transaction.updated_at),
            split: column(rows, |transaction| !transaction.splits.is_empty()),
            recurring: column(rows, |transaction| transaction.recurring_id),
            search_vectors: rows
                .iter()
                .map(|(household, transaction)| search::search_vector(*household, &transaction.texts))
                .collect(),
        }
    }
}
