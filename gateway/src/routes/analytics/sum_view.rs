use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// A sum in the household's currency, and its parts by currency.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Sum)]
pub struct SumView {
    /// Each amount at the rate of its own day.
    #[schema(example = "142.00")]
    pub amount: String,
    pub by_currency: Vec<CurrencySumView>,
}

/// What of a sum is in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CurrencySum)]
pub struct CurrencySumView {
    #[schema(example = "EUR")]
    pub currency_code: String,
    #[schema(example = "110.00")]
    pub amount: String,
}

/// Days, both included.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Span)]
pub struct SpanView {
    #[schema(format = Date, example = "2026-08-01")]
    pub from: String,
    #[schema(format = Date, example = "2026-08-31")]
    pub to: String,
}

impl SpanView {
    /// For the title of a chart.
    pub fn about(&self, currency: &str) -> String {
        format!("{currency}, {} – {}", self.from, self.to)
    }
}

impl From<pb::AnalyzedSpan> for SpanView {
    fn from(span: pb::AnalyzedSpan) -> Self {
        Self { from: span.from, to: span.to }
    }
}

impl From<Option<pb::Sum>> for SumView {
    fn from(sum: Option<pb::Sum>) -> Self {
        let sum = sum.unwrap_or_default();
        let part =
            |it: pb::CurrencySum| CurrencySumView { currency_code: it.currency_code, amount: it.amount };
        Self { amount: sum.amount, by_currency: sum.by_currency.into_iter().map(part).collect() }
    }
}

impl SumView {
    /// Its parts in one cell: `EUR 110.00; USD 40.00`.
    pub fn parts(&self) -> String {
        let parts = self.by_currency.iter().map(|it| format!("{} {}", it.currency_code, it.amount));
        parts.collect::<Vec<_>>().join("; ")
    }
}

/// None of an empty text.
pub fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
