//! Signed postings, from which balances and totals are derived. Append-only.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use fintrac_money::Money;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{column, currency};
use crate::domain::posting::{Posting, Valuation};
use crate::domain::transaction::{Transaction, TransactionStatus};

/// A posting to insert.
#[derive(Debug)]
pub struct NewPosting<'a> {
    pub household_id: Uuid,
    pub transaction_id: Uuid,
    pub revision: i64,
    pub number: i16,
    pub posting: &'a Posting,
    pub recorded_at: DateTime<Utc>,
}

pub async fn insert(connection: &mut PgConnection, postings: &[NewPosting<'_>]) -> Result<(), sqlx::Error> {
    let rate = |row: &NewPosting<'_>| row.posting.household.and_then(|value| value.rate);
    execute!(
        connection,
        r#"insert into ledger.postings (household_id, transaction_id, revision, number, account_id, currency_code,
                                        amount, day, is_reversal, household_amount, household_rate,
                                        household_rate_date, recorded_at)
           select * from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int2[], $5::uuid[], $6::text[], $7::int8[],
                                $8::date[], $9::bool[], $10::int8[], $11::numeric[], $12::date[],
                                $13::timestamptz[])"#,
        &column(postings, |row| row.household_id),
        &column(postings, |row| row.transaction_id),
        &column(postings, |row| row.revision),
        &column(postings, |row| row.number),
        &column(postings, |row| row.posting.account_id),
        &column(postings, |row| row.posting.amount.currency().code().to_owned()),
        &column(postings, |row| row.posting.amount.minor()),
        &column(postings, |row| row.posting.day),
        &column(postings, |row| row.posting.is_reversal),
        &column(postings, |row| row.posting.household.map(|value| value.amount.minor())) as _,
        &column(postings, |row| rate(row).map(|(rate, _)| rate)) as _,
        &column(postings, |row| rate(row).map(|(_, day)| day)) as _,
        &column(postings, |row| row.recorded_at),
    )
}

/// Reads the current postings of locked transactions, by (household, transaction).
///
/// A voided transaction has the postings before it was voided. The accounts of the
/// transactions are locked, too. Postings on the nominal account of a merged category
/// are returned with the account that replaced it.
pub async fn current(
    connection: &mut PgConnection,
    transactions: &[(Uuid, Transaction)],
) -> Result<HashMap<(Uuid, Uuid), Vec<Posting>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select postings.household_id, postings.transaction_id,
                  coalesce(nominal_accounts.merged_into, postings.account_id) as "account_id!",
                  postings.currency_code, amount, day, household_amount, household_rate, household_rate_date,
                  is_reversal, accounts.id is not null as "is_own!",
                  requested.household_currency as "household_currency!"
           from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::bool[], $5::text[])
               as requested (household_id, transaction_id, revision, is_voided, household_currency)
           join ledger.postings using (household_id, transaction_id, revision)
           left join ledger.accounts
               on accounts.household_id = postings.household_id and accounts.id = postings.account_id
           left join ledger.nominal_accounts
               on nominal_accounts.household_id = postings.household_id
               and nominal_accounts.id = postings.account_id
           where is_reversal = is_voided
           order by postings.household_id, postings.transaction_id, number"#,
        &column(transactions, |(household, _)| *household),
        &column(transactions, |(_, transaction)| transaction.id),
        &column(transactions, |(_, transaction)| transaction.posted_revision.unwrap_or(transaction.version)),
        &column(transactions, |(_, transaction)| transaction.status == TransactionStatus::Voided),
        &column(transactions, |(_, transaction)| transaction.household_currency.code().to_owned()),
    )
    .fetch_all(connection)
    .await?;
    let mut current: HashMap<_, Vec<Posting>> = HashMap::new();
    for row in rows {
        let household_currency = currency(&row.household_currency)?;
        let household = row.household_amount.map(|amount| Valuation {
            amount: Money::new(amount, household_currency),
            rate: row.household_rate.zip(row.household_rate_date),
        });
        let posting = Posting {
            account_id: row.account_id,
            is_own: row.is_own,
            amount: Money::new(row.amount, currency(&row.currency_code)?),
            day: row.day,
            is_reversal: row.is_reversal,
            household,
        };
        let posting =
            if row.is_reversal { Posting { is_reversal: false, ..posting.reversed() } } else { posting };
        current.entry((row.household_id, row.transaction_id)).or_default().push(posting);
    }
    Ok(current)
}
