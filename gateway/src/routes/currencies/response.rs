use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// A currency of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Currency)]
pub struct CurrencyResponse {
    /// ISO 4217, or the usual code of a crypto currency.
    #[schema(example = "EUR")]
    code: String,
    #[schema(example = "Euro")]
    name: String,
    #[schema(example = "€")]
    symbol: String,
    /// Digits after the decimal point.
    #[schema(example = 2)]
    decimals: i32,
    /// False: was replaced; kept for its history.
    is_active: bool,
}

impl From<pb::Currency> for CurrencyResponse {
    fn from(currency: pb::Currency) -> Self {
        Self {
            code: currency.code,
            name: currency.name,
            symbol: currency.symbol,
            decimals: currency.decimals,
            is_active: currency.is_active,
        }
    }
}
