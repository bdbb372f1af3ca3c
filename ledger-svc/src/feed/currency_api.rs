//! `{"date": "2026-09-29", "usd": {"eur": 0.895, …}}`: units for 1 USD.

use std::collections::HashMap;

use chrono::NaiveDate;
use fintrac_money::Currency;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::FeedError;
use crate::domain::rate::{Published, Source};

#[derive(Deserialize)]
struct Answer {
    date: NaiveDate,
    /// The digits as they came: no float on the way.
    usd: HashMap<String, Box<RawValue>>,
}

pub fn parse(answer: &[u8]) -> Result<Vec<Published>, FeedError> {
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|error| FeedError::Form(error.to_string()))?;
    let base = Currency::from_code("USD").ok_or_else(|| FeedError::Form("USD".into()))?;
    let mut rates = Vec::new();
    for (code, digits) in answer.usd {
        // Currencies that we do not know are left out.
        let Some(currency) = Currency::from_code(&code).filter(|currency| *currency != base) else {
            continue;
        };
        let digits = digits.get();
        let value = Decimal::from_str_exact(digits).or_else(|_| Decimal::from_scientific(digits));
        let value = value.map_err(|_| FeedError::Form(format!("`{digits}` is no rate of {currency}")))?;
        rates.push(Published { base, currency, day: answer.date, value, source: Source::CurrencyApi });
    }
    rates.sort_by_key(|rate| rate.currency.code());
    if rates.is_empty() { Err(FeedError::Form("it has no rates".into())) } else { Ok(rates) }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn digits_come_through_as_published() {
        let text =
            br#"{"date": "2026-09-29", "usd": {"eur": 0.89504, "btc": 1.6e-5, "usd": 1, "1inch": 9.9}}"#;
        let rates = parse(text).expect("readable");
        let short: Vec<_> =
            rates.iter().map(|it| format!("{} {} {}", it.day, it.currency, it.value)).collect();
        assert_eq!(short, ["2026-09-29 BTC 0.000016", "2026-09-29 EUR 0.89504"]);
        for bad in [
            &b""[..],
            br#"{"date": "2026-09-29", "usd": {"eur": 0.89"#,
            br#"{"date": "2026-09-31", "usd": {"eur": 1}}"#,
            br#"{"date": "2026-09-29", "usd": {"eur": "1"}}"#,
            br#"{"date": "2026-09-29", "usd": {}}"#,
            br#"{"date": "2026-09-29", "eur": {"usd": 1}}"#,
            b"<html>",
        ] {
            assert!(parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
