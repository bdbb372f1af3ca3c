//! All SQL of the service, one file per aggregate.
//!
//! The household is the first condition of every query.

/// Executes a query that returns no rows.
macro_rules! execute {
    ($connection:expr, $($query:tt)+) => {
        sqlx::query!($($query)+).execute($connection).await.map(|_| ())
    };
}

pub mod accounts;
pub mod analytics;
pub mod categories;
pub mod category_references;
pub mod daily_totals;
mod enums;
pub mod exchange_rates;
pub mod household_amounts;
pub mod households;
pub mod nominal_accounts;
pub mod personal_data;
pub mod postings;
pub mod recurring;
pub mod revisions;
pub mod splits;
pub mod transactions;
pub mod verification;

use fintrac_money::{Currency, Household};
use uuid::Uuid;

/// Parses a stored currency code; an unknown code is an error.
fn currency(code: &str) -> Result<Currency, sqlx::Error> {
    Currency::from_code(code).ok_or_else(|| sqlx::Error::Decode(format!("unknown currency {code:?}").into()))
}

/// Returns the household of a row.
fn household(id: Uuid, currency_code: &str, timezone: &str) -> Result<Household, sqlx::Error> {
    let timezone = timezone
        .parse()
        .map_err(|_| sqlx::Error::Decode(format!("unknown time zone {timezone:?}").into()))?;
    Ok(Household { id, currency: currency(currency_code)?, timezone })
}

/// Collects one column of rows, for `unnest`.
fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
