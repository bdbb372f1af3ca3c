//! `/admin`.

pub mod exchange_rates;
pub mod ip_rules;
pub mod users;
