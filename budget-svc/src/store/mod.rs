//! All SQL of budget-svc.
//!
//! The household is the first argument of every query.

pub mod alerts;
pub mod budgets;
pub mod category_reference_updates;
pub mod contributions;
pub mod goals;
pub mod milestones;
pub mod personal_data;
pub mod reminders;

use fintrac_money::Currency;

/// Parses the text of a column into a domain value.
fn parse_column<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, sqlx::Error> {
    read(text).ok_or_else(|| sqlx::Error::Decode(format!("unknown value: {text}").into()))
}

fn currency(code: &str) -> Result<Currency, sqlx::Error> {
    parse_column(code, Currency::from_code)
}
