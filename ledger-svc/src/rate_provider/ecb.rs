//! Parser of the European Central Bank's reference rates: units for 1 EUR.
//!
//! <https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates>

use std::io::{Cursor, Read as _};

use chrono::NaiveDate;
use fintrac_money::Currency;
use quick_xml::events::Event;
use rust_decimal::Decimal;

use super::error::RateProviderError;
use crate::domain::rate::{PublishedRate, Source};

/// The maximum size of an extracted file, twice that of a history of fifty years.
const MAX_UNZIPPED_BYTES: u64 = 64 * 1024 * 1024;

/// Parses XML, CSV, or CSV in a zip archive; the first bytes decide which.
pub fn parse(response: &[u8]) -> Result<Vec<PublishedRate>, RateProviderError> {
    match response.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'<') => parse_xml(response),
        _ => parse_csv(&read_csv(response)?),
    }
}

/// Reads a CSV file, or the first file of a zip archive, as text.
pub fn read_csv(bytes: &[u8]) -> Result<String, RateProviderError> {
    let form = |error: &dyn std::error::Error| RateProviderError::Malformed(error.to_string());
    if bytes.starts_with(b"PK") {
        let mut text = String::new();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| form(&error))?;
        let file = archive.by_index(0).map_err(|error| form(&error))?;
        file.take(MAX_UNZIPPED_BYTES).read_to_string(&mut text).map_err(|error| form(&error))?;
        return Ok(text);
    }
    Ok(std::str::from_utf8(bytes).map_err(|error| form(&error))?.to_owned())
}

/// Parses `<Cube time="2026-10-30"><Cube currency="USD" rate="1.1172"/>…`.
fn parse_xml(response: &[u8]) -> Result<Vec<PublishedRate>, RateProviderError> {
    let form = |error: &dyn std::error::Error| RateProviderError::Malformed(error.to_string());
    let text = std::str::from_utf8(response).map_err(|error| form(&error))?;
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut day, mut depth, mut rates) = (None, 0_u32, Vec::new());
    loop {
        let event = reader.read_event().map_err(|error| form(&error))?;
        match event {
            Event::Start(ref tag) | Event::Empty(ref tag) if tag.local_name().as_ref() == "Cube" => {
                let (mut code, mut rate) = (None, None);
                for attribute in tag.attributes() {
                    let attribute = attribute.map_err(|error| form(&error))?;
                    let value = attribute.value.into_owned();
                    match attribute.key.as_ref() {
                        "time" => day = Some(read_day(&value)?),
                        "currency" => code = Some(value),
                        "rate" => rate = Some(value),
                        _ => {}
                    }
                }
                if let (Some(code), Some(rate)) = (code, rate) {
                    let day = day.ok_or_else(|| RateProviderError::Malformed("a rate has no day".into()))?;
                    if let Some(currency) = Currency::from_code(&code) {
                        rates.push(published(currency, day, &rate)?);
                    }
                }
            }
            Event::Eof => break,
            _ => {}
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    // A truncated document is not trusted.
    if depth > 0 {
        return Err(RateProviderError::Malformed("the document is truncated".into()));
    }
    if rates.is_empty() { Err(RateProviderError::Malformed("the list is empty".into())) } else { Ok(rates) }
}

/// Parses a day: `2026-10-30` in the history, `30 October 2026` in the daily file.
fn read_day(text: &str) -> Result<NaiveDate, RateProviderError> {
    let day = text.parse().or_else(|_| NaiveDate::parse_from_str(text, "%d %B %Y"));
    day.map_err(|_| RateProviderError::Malformed(format!("`{text}` is not a day")))
}

fn published(currency: Currency, day: NaiveDate, value: &str) -> Result<PublishedRate, RateProviderError> {
    let wrong = || RateProviderError::Malformed(format!("`{value}` is not a rate of {currency} on {day}"));
    let base = Currency::from_code("EUR").ok_or_else(|| RateProviderError::Malformed("EUR".into()))?;
    let value = Decimal::from_str_exact(value).map_err(|_| wrong())?;
    if value <= Decimal::ZERO {
        return Err(wrong());
    }
    Ok(PublishedRate { base, currency, day, value, source: Source::Ecb })
}

/// Parses CSV with the header `Date,USD,JPY,…` and one row per day, newest first.
///
/// `N/A` marks a day without a rate.
pub fn parse_csv(text: &str) -> Result<Vec<PublishedRate>, RateProviderError> {
    let form = |error: csv::Error| RateProviderError::Malformed(error.to_string());
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(form)?.clone();
    if header.get(0) != Some("Date") {
        return Err(RateProviderError::Malformed("the first column must be `Date`".into()));
    }
    // Unknown currencies are skipped.
    let columns: Vec<_> = header.iter().skip(1).map(Currency::from_code).collect();
    let mut rates = Vec::new();
    for row in reader.records() {
        let row = row.map_err(form)?;
        let day = read_day(row.get(0).unwrap_or_default())?;
        // A truncated row has fewer cells than the header.
        if row.len() < header.len() {
            return Err(RateProviderError::Malformed(format!("the row of {day} is truncated")));
        }
        for (currency, value) in columns.iter().zip(row.iter().skip(1)) {
            let Some(currency) = currency else { continue };
            if !value.is_empty() && value != "N/A" {
                rates.push(published(*currency, day, value)?);
            }
        }
    }
    if rates.is_empty() { Err(RateProviderError::Malformed("the list is empty".into())) } else { Ok(rates) }
}

#[cfg(test)]
mod tests {
    use super::{parse, parse_csv};

    fn short(rates: &[crate::domain::rate::PublishedRate]) -> Vec<String> {
        rates.iter().map(|rate| format!("{} {} {}", rate.day, rate.currency, rate.value)).collect()
    }

    #[test]
    fn csv_in_another_format_is_rejected() {
        let text = "Date,USD,JPY,XYZ,\n2026-10-30,1.1172,N/A,5,\n2026-10-29,1.113,175.92,N/A,\n";
        let rates = parse_csv(text).expect("a list of rates");
        assert_eq!(short(&rates), ["2026-10-30 USD 1.1172", "2026-10-29 USD 1.113", "2026-10-29 JPY 175.92"]);
        for bad in [
            "",
            "Day,USD\n",
            "Date,USD\n2026-13-01,1\n",
            "Date,USD\n2026-01-01,1e5\n",
            "Date,USD\n2026-01-01,-1\n",
            "Date,USD,JPY\n2026-01-01,1.1\n",
            "Date,USD\n",
        ] {
            assert!(parse_csv(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn truncated_xml_is_rejected() {
        let text = "<?xml version=\"1.0\"?><gesmes:Envelope xmlns:gesmes=\"g\" xmlns=\"e\"><Cube><Cube time='2026-10-30'>\
            <Cube currency='USD' rate='1.1172'/><Cube currency='JPY' rate='175.68'/></Cube></Cube></gesmes:Envelope>";
        assert_eq!(
            short(&parse(text.as_bytes()).expect("a list of rates")),
            ["2026-10-30 USD 1.1172", "2026-10-30 JPY 175.68"]
        );
        for cut in [text.len() - 5, text.len() - 40, text.find("JPY").expect("a rate of JPY"), 10] {
            assert!(parse(&text.as_bytes()[..cut]).is_err(), "{}", &text[..cut]);
        }
        assert!(parse(b"<html><body>Sorry</body></html>").is_err());
    }
}
