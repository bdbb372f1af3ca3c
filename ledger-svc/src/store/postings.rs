//! Signed legs: the truth behind balances and totals. Append-only.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use fintrac_money::Money;
use sqlx::PgConnection;
use uuid::Uuid;

use super::currency;
use crate::domain::posting::{Leg, Valuation};
use crate::domain::transaction::{Status, Transaction};

/// A leg on its way into the table.
#[derive(Debug)]
pub struct NewPosting<'a> {
    pub household_id: Uuid,
    pub transaction_id: Uuid,
    pub revision: i64,
    pub number: i16,
    pub leg: &'a Leg,
    pub recorded_at: DateTime<Utc>,
}

pub async fn insert(connection: &mut PgConnection, postings: &[NewPosting<'_>]) -> Result<(), sqlx::Error> {
    let rate = |posting: &NewPosting<'_>| posting.leg.household.and_then(|value| value.rate);
    sqlx::query!(
        r#"insert into ledger.postings (household_id, transaction_id, revision, leg, account_id, currency_code,
                                        amount, day, is_reversal, household_amount, household_rate,
                                        household_rate_day, recorded_at)
           select * from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int2[], $5::uuid[], $6::text[], $7::int8[],
                                $8::date[], $9::bool[], $10::int8[], $11::numeric[], $12::date[],
                                $13::timestamptz[])"#,
        &postings.iter().map(|it| it.household_id).collect::<Vec<_>>(),
        &postings.iter().map(|it| it.transaction_id).collect::<Vec<_>>(),
        &postings.iter().map(|it| it.revision).collect::<Vec<_>>(),
        &postings.iter().map(|it| it.number).collect::<Vec<_>>(),
        &postings.iter().map(|it| it.leg.account_id).collect::<Vec<_>>(),
        &postings.iter().map(|it| it.leg.amount.currency().code().to_owned()).collect::<Vec<_>>(),
        &postings.iter().map(|it| it.leg.amount.minor()).collect::<Vec<_>>(),
        &postings.iter().map(|it| it.leg.day).collect::<Vec<_>>(),
        &postings.iter().map(|it| it.leg.is_reversal).collect::<Vec<_>>(),
        &postings.iter().map(|it| it.leg.household.map(|value| value.amount.minor())).collect::<Vec<_>>() as _,
        &postings.iter().map(|it| rate(it).map(|(rate, _)| rate)).collect::<Vec<_>>() as _,
        &postings.iter().map(|it| rate(it).map(|(_, day)| day)).collect::<Vec<_>>() as _,
        &postings.iter().map(|it| it.recorded_at).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// The legs that stand, or of a voided transaction those that stood before, by
/// (household, transaction); the transactions and their accounts are locked. What
/// was posted on a category that went over into another one is there now.
pub async fn standing(
    connection: &mut PgConnection,
    transactions: &[(Uuid, Transaction)],
) -> Result<HashMap<(Uuid, Uuid), Vec<Leg>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select postings.household_id, postings.transaction_id,
                  coalesce(nominal_accounts.merged_into, postings.account_id) as "account_id!",
                  postings.currency_code, amount, day, household_amount, household_rate, household_rate_day,
                  is_reversal, accounts.id is not null as "is_own!",
                  wanted.household_currency as "household_currency!"
           from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::bool[], $5::text[])
               as wanted (household_id, transaction_id, revision, is_voided, household_currency)
           join ledger.postings using (household_id, transaction_id, revision)
           left join ledger.accounts
               on accounts.household_id = postings.household_id and accounts.id = postings.account_id
           left join ledger.nominal_accounts
               on nominal_accounts.household_id = postings.household_id
               and nominal_accounts.id = postings.account_id
           where is_reversal = is_voided
           order by postings.household_id, postings.transaction_id, leg"#,
        &transactions.iter().map(|(household, _)| *household).collect::<Vec<_>>(),
        &transactions.iter().map(|(_, it)| it.id).collect::<Vec<_>>(),
        &transactions.iter().map(|(_, it)| it.posted_revision.unwrap_or(it.version)).collect::<Vec<_>>(),
        &transactions.iter().map(|(_, it)| it.status == Status::Voided).collect::<Vec<_>>(),
        &transactions.iter().map(|(_, it)| it.household_currency.code().to_owned()).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut standing: HashMap<_, Vec<Leg>> = HashMap::new();
    for row in rows {
        let household_currency = currency(&row.household_currency)?;
        let household = row.household_amount.map(|amount| Valuation {
            amount: Money::new(amount, household_currency),
            rate: row.household_rate.zip(row.household_rate_day),
        });
        let leg = Leg {
            account_id: row.account_id,
            is_own: row.is_own,
            amount: Money::new(row.amount, currency(&row.currency_code)?),
            day: row.day,
            is_reversal: row.is_reversal,
            household,
        };
        let leg = if row.is_reversal { Leg { is_reversal: false, ..leg.reversed() } } else { leg };
        standing.entry((row.household_id, row.transaction_id)).or_default().push(leg);
    }
    Ok(standing)
}
