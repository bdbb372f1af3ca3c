//! Calendar days, the user's own word.

use crate::error::Violation;
use chrono::{DateTime, NaiveDate};

/// `YYYY-MM-DD`, or an RFC 3339 time, whose date part is taken as written.
pub fn parse(text: &str) -> Option<NaiveDate> {
    let day = match text.split_at_checked(10) {
        Some((day, "")) => day,
        Some((day, _)) if DateTime::parse_from_rfc3339(text).is_ok() => day,
        Some(_) | None => return None,
    };
    let parsed = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    // `%Y` takes signs and blanks too.
    let exact = parsed.format("%Y-%m-%d").to_string() == day;
    (exact && (earliest()..=latest()).contains(&parsed)).then_some(parsed)
}

/// The first day that [`parse`] reads.
pub fn earliest() -> NaiveDate {
    NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or(NaiveDate::MIN)
}

/// The last day that [`parse`] reads.
pub fn latest() -> NaiveDate {
    NaiveDate::from_ymd_opt(2200, 12, 31).unwrap_or(NaiveDate::MAX)
}

/// The refusal of `field`.
pub fn refused(field: &str) -> Violation {
    Violation::new(field, "DATE_INVALID", "Send a day as YYYY-MM-DD, from 1900 to 2200.")
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn days_and_times_are_read_and_nothing_else() {
        let day = |text| parse(text).map(|day| day.to_string());
        assert_eq!(day("2026-02-28").as_deref(), Some("2026-02-28"));
        assert_eq!(day("2026-02-28T23:59:59-11:00").as_deref(), Some("2026-02-28"));
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
        ] {
            assert_eq!(day(bad), None, "{bad}");
        }
    }
}
