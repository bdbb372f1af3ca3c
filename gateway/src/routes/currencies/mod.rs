pub mod get_currency;
pub mod list_currencies;
pub mod response;
