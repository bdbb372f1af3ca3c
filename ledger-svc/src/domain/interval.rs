//! Spans of days and the intervals into which they are split.

use chrono::{Datelike as _, Days, Months, NaiveDate, Weekday};
use strum::{EnumString, IntoStaticStr};

/// The maximum number of intervals in a response.
pub const MAX_INTERVALS: usize = 4000;

/// The length of the intervals of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive, const_into_str)]
pub enum Interval {
    Day,
    /// A week from Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
}

impl Interval {
    /// Returns the first day of the interval that contains `day`.
    pub fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day.week(Weekday::Mon).checked_first_day().unwrap_or(day),
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// Returns the last day of the interval that contains `day`.
    pub fn end(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day.week(Weekday::Mon).checked_last_day().unwrap_or(day),
            Self::Month => {
                let last = u32::from(day.num_days_in_month());
                day.with_day(last).unwrap_or(day)
            }
        }
    }
}

/// A range of days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl Span {
    pub fn contains(self, day: NaiveDate) -> bool {
        (self.from..=self.to).contains(&day)
    }

    /// Counts the days.
    pub fn days(self) -> u64 {
        let days = self.to.signed_duration_since(self.from).num_days();
        u64::try_from(days).unwrap_or_default().saturating_add(1)
    }

    /// Returns the preceding span for a comparison.
    ///
    /// Whole months compare with as many months before, a partial month that starts
    /// on the 1st with the same days of the month before, and other spans with as
    /// many days directly before.
    pub fn previous(self) -> Option<Self> {
        let to = self.from.pred_opt()?;
        if self.from.day() != 1 {
            return Some(Self { from: self.from.checked_sub_days(Days::new(self.days()))?, to });
        }
        if self.to == Interval::Month.end(self.to) {
            let from = self.from.checked_sub_months(Months::new(self.months()))?;
            return Some(Self { from, to });
        }
        if Interval::Month.start(self.to) == self.from {
            return Some(Self {
                from: Interval::Month.start(to),
                to: self.to.checked_sub_months(Months::new(1))?,
            });
        }
        Some(Self { from: self.from.checked_sub_days(Days::new(self.days()))?, to })
    }

    /// Counts the calendar months that it overlaps.
    fn months(self) -> u32 {
        let number = |day: NaiveDate| day.year().saturating_mul(12).saturating_add_unsigned(day.month0());
        u32::try_from(number(self.to).saturating_sub(number(self.from))).unwrap_or_default().saturating_add(1)
    }

    /// Splits it into intervals; `None` if there are more than [`MAX_INTERVALS`].
    pub fn split_by(self, interval: Interval) -> Option<Vec<Self>> {
        let (mut cuts, mut from) = (Vec::new(), self.from);
        while from <= self.to {
            if cuts.len() >= MAX_INTERVALS {
                return None;
            }
            let to = interval.end(from).min(self.to);
            cuts.push(Self { from, to });
            from = to.succ_opt()?;
        }
        Some(cuts)
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{Interval, Span};

    fn span(from: &str, to: &str) -> Span {
        let day = |text: &str| text.parse::<NaiveDate>().expect(text);
        Span { from: day(from), to: day(to) }
    }

    fn cuts(from: &str, to: &str, interval: Interval) -> Vec<String> {
        let cuts = span(from, to).split_by(interval).expect("few");
        cuts.into_iter()
            .map(|cut| format!("{} {}", cut.from.format("%m-%d"), cut.to.format("%m-%d")))
            .collect()
    }

    #[test]
    fn spans_are_split_at_the_ends_of_weeks_and_months() {
        assert_eq!(
            cuts("2024-02-28", "2024-03-01", Interval::Day),
            ["02-28 02-28", "02-29 02-29", "03-01 03-01"]
        );
        assert_eq!(
            cuts("2026-01-01", "2026-01-14", Interval::Week),
            ["01-01 01-04", "01-05 01-11", "01-12 01-14"]
        );
        assert_eq!(cuts("2026-01-31", "2026-02-28", Interval::Month), ["01-31 01-31", "02-01 02-28"]);
        assert_eq!(cuts("2026-01-31", "2026-01-30", Interval::Month), Vec::<String>::new());
        assert_eq!(span("1900-01-01", "2200-12-31").split_by(Interval::Day), None);
    }

    #[test]
    fn previous_returns_the_span_to_compare_with() {
        let before = |from: &str, to: &str| span(from, to).previous().expect("a span");
        // Whole months, quarters and years.
        assert_eq!(before("2026-11-01", "2026-11-30"), span("2026-10-01", "2026-10-31"));
        assert_eq!(before("2026-03-01", "2026-03-31"), span("2026-02-01", "2026-02-28"));
        assert_eq!(before("2024-02-01", "2024-02-29"), span("2024-01-01", "2024-01-31"));
        assert_eq!(before("2026-10-01", "2026-12-31"), span("2026-07-01", "2026-09-30"));
        assert_eq!(before("2026-01-01", "2026-12-31"), span("2025-01-01", "2025-12-31"));
        // A partial month.
        assert_eq!(before("2026-11-01", "2026-11-15"), span("2026-10-01", "2026-10-15"));
        assert_eq!(before("2026-03-01", "2026-03-30"), span("2026-02-01", "2026-02-28"));
        // As many days.
        assert_eq!(before("2026-03-02", "2026-03-31"), span("2026-01-31", "2026-03-01"));
        assert_eq!(before("2026-10-01", "2026-11-15"), span("2026-08-16", "2026-09-30"));
        let february = span("2026-02-01", "2026-02-28");
        assert!(february.contains(february.to) && !february.contains("2026-03-01".parse().expect("a day")));
    }
}
