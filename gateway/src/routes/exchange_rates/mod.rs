pub mod convert_amount;
pub mod list_exchange_rates;
