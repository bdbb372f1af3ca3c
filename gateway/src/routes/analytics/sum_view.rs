use std::collections::BTreeSet;

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
    /// What has no rate for its day: in `by_currency`, not in `amount`.
    pub unpriced: Vec<CurrencySumView>,
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
        let (by_currency, unpriced) = (currency_sums(sum.by_currency), currency_sums(sum.unpriced));
        Self { amount: sum.amount, by_currency, unpriced }
    }
}

impl From<pb::CurrencySum> for CurrencySumView {
    fn from(it: pb::CurrencySum) -> Self {
        Self { currency_code: it.currency_code, amount: it.amount }
    }
}

pub fn currency_sums(sums: Vec<pb::CurrencySum>) -> Vec<CurrencySumView> {
    sums.into_iter().map(Into::into).collect()
}

/// Sums in one cell of CSV: `EUR 110.00; USD 40.00`.
pub fn cell(sums: &[CurrencySumView]) -> String {
    sums.iter().map(|it| format!("{} {}", it.currency_code, it.amount)).collect::<Vec<_>>().join("; ")
}

/// The currencies of sums, each once, for the note under a chart.
pub fn currencies<'a>(sums: impl IntoIterator<Item = &'a CurrencySumView>) -> BTreeSet<String> {
    sums.into_iter().map(|it| it.currency_code.clone()).collect()
}

impl SumView {
    /// Its parts in one cell: `EUR 110.00; USD 40.00`.
    pub fn parts(&self) -> String {
        cell(&self.by_currency)
    }
}

/// None of an empty text.
pub fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
