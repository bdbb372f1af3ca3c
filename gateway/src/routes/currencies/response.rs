use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// A currency that FinTrac supports.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Currency)]
pub struct CurrencyResponse {
    /// The code: ISO 4217, or the common code of a cryptocurrency.
    #[schema(example = "EUR")]
    code: String,
    /// The name in English.
    #[schema(example = "Euro")]
    name: String,
    #[schema(example = "€")]
    symbol: String,
    /// The number of digits after the decimal point.
    #[schema(example = 2)]
    decimals: i32,
    /// Whether the currency is in use; false: it was replaced and is kept for history.
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
