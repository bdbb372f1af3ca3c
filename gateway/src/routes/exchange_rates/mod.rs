pub mod convert;
pub mod list_exchange_rates;
