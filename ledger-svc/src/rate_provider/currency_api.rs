//! Parser of the currency-api format: units of each currency for 1 USD.
//!
//! A response is `{"date": "2026-09-29", "usd": {"eur": 0.895, …}}`.

use std::collections::HashMap;

use chrono::NaiveDate;
use fintrac_money::Currency;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::RateProviderError;
use crate::domain::rate::{PublishedRate, Source};

#[derive(Deserialize)]
struct Response {
    date: NaiveDate,
    /// The digits as sent, so that no float rounds them.
    usd: HashMap<String, Box<RawValue>>,
}

pub fn parse(response: &[u8]) -> Result<Vec<PublishedRate>, RateProviderError> {
    let response: Response =
        serde_json::from_slice(response).map_err(|error| RateProviderError::Malformed(error.to_string()))?;
    let base = Currency::from_code("USD").ok_or_else(|| RateProviderError::Malformed("USD".into()))?;
    let mut rates = Vec::new();
    for (code, digits) in response.usd {
        // Unknown currencies are skipped.
        let Some(currency) = Currency::from_code(&code).filter(|currency| *currency != base) else {
            continue;
        };
        let digits = digits.get();
        let value = Decimal::from_str_exact(digits).or_else(|_| Decimal::from_scientific(digits));
        let value = value
            .map_err(|_| RateProviderError::Malformed(format!("`{digits}` is not a rate of {currency}")))?;
        rates.push(PublishedRate { base, currency, day: response.date, value, source: Source::CurrencyApi });
    }
    rates.sort_by_key(|rate| rate.currency.code());
    if rates.is_empty() { Err(RateProviderError::Malformed("the list is empty".into())) } else { Ok(rates) }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn rates_keep_their_published_digits() {
        let text =
            br#"{"date": "2026-09-29", "usd": {"eur": 0.89504, "btc": 1.6e-5, "usd": 1, "1inch": 9.9}}"#;
        let rates = parse(text).expect("a list of rates");
        let short: Vec<_> =
            rates.iter().map(|rate| format!("{} {} {}", rate.day, rate.currency, rate.value)).collect();
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
