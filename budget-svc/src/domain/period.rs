//! Divides the days of a budget into periods without gap or overlap.
//! The first period may begin on any day.

use chrono::{Datelike as _, Days, Months, NaiveDate};

/// The length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    Weekly,
    Monthly,
    Quarterly,
    Yearly,
    /// A single period from the first day to the last.
    Custom,
}

impl Frequency {
    const ALL: [Self; 5] = [Self::Weekly, Self::Monthly, Self::Quarterly, Self::Yearly, Self::Custom];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Yearly => "yearly",
            Self::Custom => "custom",
        }
    }

    /// Parses a frequency in any letter case.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }

    /// Returns the first day of the calendar period that contains `day`.
    /// `None` for a custom frequency.
    pub fn calendar_start(self, day: NaiveDate) -> Option<NaiveDate> {
        let month = match self {
            Self::Weekly => {
                let since_monday = day.weekday().num_days_from_monday();
                return day.checked_sub_days(Days::new(since_monday.into()));
            }
            Self::Monthly => day.month(),
            // January, April, July or October.
            Self::Quarterly => day.month().checked_sub(day.month0().checked_rem(3)?)?,
            Self::Yearly => 1,
            Self::Custom => return None,
        };
        NaiveDate::from_ymd_opt(day.year(), month, 1)
    }
}

/// A period with its first and last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub start: NaiveDate,
    pub end: NaiveDate,
}

impl Period {
    pub fn contains(self, day: NaiveDate) -> bool {
        (self.start..=self.end).contains(&day)
    }

    /// Counts the days from `today` to the last day, both included.
    /// Before the period begins, these are all days of the period.
    pub fn days_left(self, today: NaiveDate) -> i32 {
        let from = today.max(self.start);
        let days = self.end.signed_duration_since(from).num_days().saturating_add(1);
        i32::try_from(days.max(0)).unwrap_or(i32::MAX)
    }
}

/// The days on which a budget runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    pub frequency: Frequency,
    /// The first day of the first period.
    pub start: NaiveDate,
    /// The last day, which may cut the last period short.
    pub end: Option<NaiveDate>,
}

impl Schedule {
    /// Returns the period that contains `day`.
    /// `None` before the first day and after the last one.
    pub fn period_of(&self, day: NaiveDate) -> Option<Period> {
        if day < self.start || self.end.is_some_and(|end| day > end) {
            return None;
        }
        let number = match self.frequency {
            Frequency::Custom => 0,
            Frequency::Weekly => {
                let days = day.signed_duration_since(self.start).num_days();
                u32::try_from(days).ok()?.checked_div(7)?
            }
            Frequency::Monthly => self.period_number(day, 1)?,
            Frequency::Quarterly => self.period_number(day, 3)?,
            Frequency::Yearly => self.period_number(day, 12)?,
        };
        let start = self.start_of(number)?;
        let next = match self.frequency {
            Frequency::Custom => None,
            _ => Some(self.start_of(number.checked_add(1)?)?.pred_opt()?),
        };
        let end = match (next, self.end) {
            (Some(next), Some(end)) => next.min(end),
            (next, end) => next.or(end)?,
        };
        Some(Period { start, end })
    }

    /// Returns the period before `period`.
    pub fn previous_period(&self, period: Period) -> Option<Period> {
        self.period_of(period.start.pred_opt()?)
    }

    /// Returns the day nearest to `day` on which the budget runs.
    pub fn nearest_day(&self, day: NaiveDate) -> NaiveDate {
        let day = self.end.map_or(day, |end| day.min(end));
        day.max(self.start)
    }

    /// Returns the first day of the period with this number, counted from 0.
    /// Months are added to the first day of the schedule: 31 January, 28 February, 31 March.
    fn start_of(&self, number: u32) -> Option<NaiveDate> {
        let after_periods = |months_per_period: u32| {
            self.start.checked_add_months(Months::new(number.checked_mul(months_per_period)?))
        };
        match self.frequency {
            Frequency::Weekly => self.start.checked_add_days(Days::new(u64::from(number).checked_mul(7)?)),
            Frequency::Monthly => after_periods(1),
            Frequency::Quarterly => after_periods(3),
            Frequency::Yearly => after_periods(12),
            Frequency::Custom => Some(self.start),
        }
    }

    /// Returns the number of the period of whole months that contains `day`.
    fn period_number(&self, day: NaiveDate, months_per_period: u32) -> Option<u32> {
        let years = day.year().checked_sub(self.start.year())?;
        let months = years.checked_mul(12)?.checked_add(i32::try_from(day.month()).ok()?)?;
        let months = u32::try_from(months.checked_sub(i32::try_from(self.start.month()).ok()?)?).ok()?;
        let number = months.checked_div(months_per_period)?;
        // In the month in which a period begins, the days before belong to the previous one.
        if self.start_of(number)? > day { number.checked_sub(1) } else { Some(number) }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike as _, Days, NaiveDate};
    use proptest::prelude::*;

    use super::{Frequency, Period, Schedule};

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn any_day() -> impl Strategy<Value = NaiveDate> {
        (0_u64..80_000).prop_map(|days| day("1990-01-01") + Days::new(days))
    }

    fn frequencies() -> impl Strategy<Value = Frequency> {
        prop::sample::select(vec![
            Frequency::Weekly,
            Frequency::Monthly,
            Frequency::Quarterly,
            Frequency::Yearly,
        ])
    }

    proptest! {
        #[test]
        fn every_day_is_in_one_period_and_they_follow_each_other(
            start in any_day(), offset in 0_u64..20_000, frequency in frequencies(),
        ) {
            let schedule = Schedule { frequency, start, end: None };
            let day = start + Days::new(offset);
            let period = schedule.period_of(day).expect("a period");
            prop_assert!(period.contains(day));
            // Its first and last day have the same period, and the neighbors adjoin it.
            prop_assert_eq!(schedule.period_of(period.start), Some(period));
            prop_assert_eq!(schedule.period_of(period.end), Some(period));
            let next = schedule.period_of(period.end + Days::new(1)).expect("a next period");
            prop_assert_eq!(next.start, period.end + Days::new(1));
            if period.start > start {
                let before = schedule.period_of(period.start - Days::new(1)).expect("a previous period");
                prop_assert_eq!(before.end, period.start - Days::new(1));
            } else {
                prop_assert_eq!(period.start, start);
                prop_assert_eq!(schedule.period_of(start - Days::new(1)), None);
            }
        }

        #[test]
        fn month_ends_are_kept(start in any_day(), offset in 0_u64..20_000, frequency in frequencies()) {
            prop_assume!(frequency != Frequency::Weekly);
            let schedule = Schedule { frequency, start, end: None };
            let begins = schedule.period_of(start + Days::new(offset)).expect("a period").start;
            let is_last_of_month = (begins + Days::new(1)).month() != begins.month();
            prop_assert!(begins.day() == start.day() || is_last_of_month && begins.day() < start.day());
            let month = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month());
            let months = month(begins) - month(start);
            let each = match frequency { Frequency::Monthly => 1, Frequency::Quarterly => 3, _ => 12 };
            prop_assert_eq!(months % each, 0);
        }

        #[test]
        fn weeks_have_seven_days(start in any_day(), offset in 0_u64..20_000) {
            let schedule = Schedule { frequency: Frequency::Weekly, start, end: None };
            let period = schedule.period_of(start + Days::new(offset)).expect("a period");
            prop_assert_eq!(period.end, period.start + Days::new(6));
            prop_assert_eq!(period.start.weekday(), start.weekday());
        }

        #[test]
        fn no_period_is_after_the_last_day(
            start in any_day(), length in 0_u64..1000, frequency in frequencies(), custom in any::<bool>(),
        ) {
            let end = start + Days::new(length);
            let frequency = if custom { Frequency::Custom } else { frequency };
            let schedule = Schedule { frequency, start, end: Some(end) };
            prop_assert_eq!(schedule.period_of(end + Days::new(1)), None);
            prop_assert_eq!(schedule.period_of(end).expect("the last period").end, end);
            prop_assert_eq!(schedule.nearest_day(end + Days::new(9)), end);
            prop_assert_eq!(schedule.nearest_day(start - Days::new(9)), start);
            if custom {
                prop_assert_eq!(schedule.period_of(start), Some(Period { start, end }));
            }
        }

        #[test]
        fn calendar_periods_begin_with_the_calendar(day in any_day(), frequency in frequencies()) {
            let start = frequency.calendar_start(day).expect("a start");
            let schedule = Schedule { frequency, start, end: None };
            prop_assert_eq!(schedule.period_of(day).expect("a period").start, start);
            match frequency {
                Frequency::Weekly => prop_assert_eq!(start.weekday(), chrono::Weekday::Mon),
                Frequency::Monthly => prop_assert_eq!((start.day(), start.month()), (1, day.month())),
                Frequency::Quarterly => prop_assert_eq!((start.day(), start.month0() % 3), (1, 0)),
                _ => prop_assert_eq!((start.day(), start.month()), (1, 1)),
            }
        }
    }

    #[test]
    fn example_periods() {
        let schedule = |frequency, start| Schedule { frequency, start: day(start), end: None };
        let period = |schedule: Schedule, on: &str| {
            let period = schedule.period_of(day(on)).expect("a period");
            format!("{}..{}", period.start, period.end)
        };
        let from_31 = schedule(Frequency::Monthly, "2026-01-31");
        assert_eq!(period(from_31, "2026-02-27"), "2026-01-31..2026-02-27");
        assert_eq!(period(from_31, "2026-02-28"), "2026-02-28..2026-03-30");
        assert_eq!(period(from_31, "2026-03-31"), "2026-03-31..2026-04-29");
        let leap = schedule(Frequency::Yearly, "2024-02-29");
        assert_eq!(period(leap, "2026-01-01"), "2025-02-28..2026-02-27");
        assert_eq!(period(leap, "2028-02-29"), "2028-02-29..2029-02-27");
        let quarter = schedule(Frequency::Quarterly, "2026-11-30");
        assert_eq!(period(quarter, "2027-02-28"), "2027-02-28..2027-05-29");
        let current = Period { start: day("2026-02-01"), end: day("2026-02-28") };
        assert_eq!(
            ["2026-01-15", "2026-02-01", "2026-02-28", "2026-03-01"].map(|on| current.days_left(day(on))),
            [28, 28, 1, 0]
        );
    }
}
