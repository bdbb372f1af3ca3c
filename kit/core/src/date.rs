//! Parsing of calendar dates.

use crate::error::{FieldCode, FieldViolation};
use chrono::{DateTime, NaiveDate, Utc};

/// Parses `YYYY-MM-DD`, from [`earliest`] to [`latest`], and nothing else.
pub fn parse(text: &str) -> Option<NaiveDate> {
    let parsed = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    // `%Y` also accepts signs and spaces.
    let exact = parsed.format("%Y-%m-%d").to_string() == text;
    in_range(parsed).filter(|_| exact)
}

/// Parses a date, or an RFC 3339 timestamp, which `to_date` converts to a date.
pub fn parse_or_timestamp(text: &str, to_date: impl Fn(DateTime<Utc>) -> NaiveDate) -> Option<NaiveDate> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => in_range(to_date(instant.to_utc())),
        Err(_) => parse(text),
    }
}

/// Returns `date` if it is from [`earliest`] to [`latest`].
fn in_range(date: NaiveDate) -> Option<NaiveDate> {
    (earliest()..=latest()).contains(&date).then_some(date)
}

/// Returns the first date that [`parse`] accepts.
pub fn earliest() -> NaiveDate {
    NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or(NaiveDate::MIN)
}

/// Returns the last date that [`parse`] accepts.
pub fn latest() -> NaiveDate {
    NaiveDate::from_ymd_opt(2200, 12, 31).unwrap_or(NaiveDate::MAX)
}

/// Returns the violation for a `field` that is not a valid date.
pub fn invalid(field: &str) -> FieldViolation {
    FieldViolation::from_code(field, FieldCode::DateInvalid)
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::{parse, parse_or_timestamp};

    #[test]
    fn only_iso_dates_are_parsed() {
        let day = |text| parse(text).map(|day| day.to_string());
        assert_eq!(day("2026-02-28").as_deref(), Some("2026-02-28"));
        for bad in [
            "",
            "2026-02-30",
            "2026-2-3",
            "26-02-03",
            "2026-02-28x",
            "1899-12-31",
            "2201-01-01",
            "+026-01-01",
            "äääääää",
            "2026-02-28T23:59:59-11:00",
        ] {
            assert_eq!(day(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_timestamp_is_the_local_date() {
        let west = FixedOffset::west_opt(4 * 3600).expect("an offset");
        let day = |text| parse_or_timestamp(text, |instant| instant.with_timezone(&west).date_naive());
        assert_eq!(day("2026-11-01T02:30:00Z"), parse("2026-10-31"));
        assert_eq!(day("2026-11-01T02:30:00-05:00"), parse("2026-11-01"));
        assert_eq!(day("2026-11-01"), parse("2026-11-01"));
        assert_eq!((day("1900-01-01T00:00:00Z"), day("2026-11-01 02:30")), (None, None));
    }
}
