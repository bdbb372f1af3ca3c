//! All SQL of the service, one file per aggregate.
//!
//! The household is the first condition of every query.

pub mod accounts;
pub mod analytics;
pub mod categories;
pub mod category_references;
pub mod daily_totals;
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

use fintrac_money::Currency;

/// Parses a stored value; an unknown value is an error.
fn parse_stored<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, sqlx::Error> {
    read(text).ok_or_else(|| sqlx::Error::Decode(format!("unknown value {text:?}").into()))
}

fn currency(code: &str) -> Result<Currency, sqlx::Error> {
    parse_stored(code, Currency::from_code)
}
