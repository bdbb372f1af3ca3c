use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// A sum in the household's currency, with its components by currency.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Sum {
    /// The sum in the household's currency, at the exchange rate of each amount's day.
    #[schema(example = "142.00")]
    pub amount: String,
    /// The same sum by currency, without conversion.
    pub by_currency: Vec<CurrencySum>,
    /// The amounts that have no exchange rate: in `by_currency`, but not in `amount`.
    pub unpriced: Vec<CurrencySum>,
}

/// The part of a sum that is in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrencySum {
    /// The currency of `amount`.
    #[schema(example = "EUR")]
    pub currency_code: String,
    /// The amount in `currency_code`.
    #[schema(example = "110.00")]
    pub amount: String,
}

/// A span of days.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Span {
    /// The first day, included.
    #[schema(format = Date, example = "2026-08-01")]
    pub from: String,
    /// The last day, included.
    #[schema(format = Date, example = "2026-08-31")]
    pub to: String,
}

impl From<pb::DateRange> for Span {
    fn from(span: pb::DateRange) -> Self {
        Self { from: span.from, to: span.to }
    }
}

impl From<Option<pb::Sum>> for Sum {
    fn from(sum: Option<pb::Sum>) -> Self {
        let sum = sum.unwrap_or_default();
        let (by_currency, unpriced) = (currency_sums(sum.by_currency), currency_sums(sum.unpriced));
        Self { amount: sum.amount, by_currency, unpriced }
    }
}

impl From<pb::CurrencySum> for CurrencySum {
    fn from(sum: pb::CurrencySum) -> Self {
        Self { currency_code: sum.currency_code, amount: sum.amount }
    }
}

pub fn currency_sums(sums: Vec<pb::CurrencySum>) -> Vec<CurrencySum> {
    sums.into_iter().map(Into::into).collect()
}

/// Formats sums for one CSV cell: `EUR 110.00; USD 40.00`.
pub fn csv_cell(sums: &[CurrencySum]) -> String {
    sums.iter().map(|sum| format!("{} {}", sum.currency_code, sum.amount)).collect::<Vec<_>>().join("; ")
}

/// Returns `None` for an empty text.
pub fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
