//! Household amounts that are missing because no rate was known.

use chrono::NaiveDate;
use fintrac_money::{Currency, Money};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{column, currency};

/// A posting without a household amount.
#[derive(Debug)]
pub struct UnpricedPosting {
    pub household_id: Uuid,
    pub transaction_id: Uuid,
    pub revision: i64,
    pub number: i16,
    pub account_id: Uuid,
    pub amount: Money,
    pub day: NaiveDate,
    pub is_reversal: bool,
    pub kind: PostingKind,
    pub household_currency: Currency,
}

/// The kind of an unpriced posting, which determines how it is valued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostingKind {
    /// A posting on an account of the household.
    Own,
    /// A posting on an exchange account.
    Exchange,
    /// A posting on any other nominal account.
    Nominal,
}

/// An unpriced posting with the household amount to store.
#[derive(Debug)]
pub struct PricedPosting<'a> {
    pub posting: &'a UnpricedPosting,
    pub amount: Money,
    /// The rate and its day. None if the value is that of another posting.
    pub rate: Option<(Decimal, NaiveDate)>,
}

/// Lists transactions with unpriced postings as (household, transaction).
///
/// They are in key order, after `after`.
pub async fn unpriced_transactions(
    connection: &mut PgConnection,
    after: (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select distinct household_id, transaction_id from ledger.postings
           where household_amount is null and (household_id, transaction_id) > ($1, $2)
           order by household_id, transaction_id limit $3"#,
        after.0,
        after.1,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.household_id, row.transaction_id)).collect())
}

/// Lists the unpriced postings of locked transactions in order of their revisions.
///
/// The accounts of the transactions are locked, too. Postings on the nominal account of
/// a merged category are returned with the account that replaced it.
pub async fn unpriced_postings(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid)],
) -> Result<Vec<UnpricedPosting>, sqlx::Error> {
    let (households, ids): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select postings.household_id, postings.transaction_id, revision, number,
                  coalesce(nominal_accounts.merged_into, account_id) as "account_id!",
                  postings.currency_code, amount, day, is_reversal, purpose as "purpose?",
                  households.currency_code as household_currency
           from unnest($1::uuid[], $2::uuid[]) as requested (household_id, transaction_id)
           join ledger.postings using (household_id, transaction_id)
           join ledger.households on households.id = postings.household_id
           left join ledger.nominal_accounts on nominal_accounts.household_id = postings.household_id
               and nominal_accounts.id = account_id
           where household_amount is null
           order by postings.household_id, postings.transaction_id, revision, is_reversal, number"#,
        &households,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(UnpricedPosting {
                household_id: row.household_id,
                transaction_id: row.transaction_id,
                revision: row.revision,
                number: row.number,
                account_id: row.account_id,
                amount: Money::new(row.amount, currency(&row.currency_code)?),
                day: row.day,
                is_reversal: row.is_reversal,
                kind: match row.purpose.as_deref() {
                    None => PostingKind::Own,
                    Some("exchange") => PostingKind::Exchange,
                    Some(_) => PostingKind::Nominal,
                },
                household_currency: currency(&row.household_currency)?,
            })
        })
        .collect()
}

/// Stores household amounts on postings and transactions.
///
/// A transaction gets the amount of its current posting on `account_id`.
pub async fn fill(connection: &mut PgConnection, filled: &[PricedPosting<'_>]) -> Result<(), sqlx::Error> {
    let households: Vec<_> = filled.iter().map(|priced| priced.posting.household_id).collect();
    let transactions: Vec<_> = filled.iter().map(|priced| priced.posting.transaction_id).collect();
    execute!(
        &mut *connection,
        r#"update ledger.postings set household_amount = filled.amount, household_rate = filled.rate,
               household_rate_date = filled.rate_date
           from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int2[], $5::int8[], $6::numeric[], $7::date[])
               as filled (household_id, transaction_id, revision, number, amount, rate, rate_date)
           where postings.household_id = filled.household_id
             and postings.transaction_id = filled.transaction_id
             and postings.revision = filled.revision and postings.number = filled.number"#,
        &households,
        &transactions,
        &column(filled, |priced| priced.posting.revision),
        &column(filled, |priced| priced.posting.number),
        &column(filled, |priced| priced.amount.minor()),
        &column(filled, |priced| priced.rate.map(|(rate, _)| rate)) as _,
        &column(filled, |priced| priced.rate.map(|(_, day)| day)) as _,
    )?;
    execute!(
        connection,
        r#"update ledger.transactions set household_amount = abs(postings.household_amount)
           from unnest($1::uuid[], $2::uuid[]) as filled (household_id, transaction_id)
           join ledger.postings using (household_id, transaction_id)
           where transactions.household_id = filled.household_id
             and transactions.id = filled.transaction_id
             and transactions.household_amount is null
             and postings.revision = transactions.posted_revision and not postings.is_reversal
             and postings.account_id = transactions.account_id"#,
        &households,
        &transactions,
    )
}
