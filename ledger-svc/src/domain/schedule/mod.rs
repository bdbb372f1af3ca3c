//! Schedules of recurring transactions.
//!
//! A schedule repeats every given number of days, weeks, months or years, or follows
//! an RFC 5545 rule. Month-ends are kept; occurrences can be moved off weekends.

mod input;
mod rfc_rule;
#[cfg(test)]
mod tests;

use chrono::{Datelike as _, Days, Months, NaiveDate, Weekday};
use kit_core::date;
use strum::{EnumString, IntoStaticStr};

pub use input::{ScheduleChanges, ScheduleInput};

/// The unit of a frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive, const_into_str)]
pub enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Frequency {
    /// Adds `number` units to `start`.
    ///
    /// Counting from the start makes 31 January lead to 28 February and then to 31 March.
    fn after(self, start: NaiveDate, number: u32) -> Option<NaiveDate> {
        match self {
            Self::Daily => start.checked_add_days(Days::new(number.into())),
            Self::Weekly => start.checked_add_days(Days::new(u64::from(number).checked_mul(7)?)),
            Self::Monthly => start.checked_add_months(Months::new(number)),
            Self::Yearly => start.checked_add_months(Months::new(number.checked_mul(12)?)),
        }
    }
}

/// The rule for occurrences on a Saturday or Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive, const_into_str)]
pub enum Weekend {
    Keep,
    /// Moves the occurrence to Friday.
    Before,
    /// Moves the occurrence to Monday.
    After,
}

impl Weekend {
    /// Returns the date of an occurrence on `day`.
    fn date(self, day: NaiveDate) -> NaiveDate {
        let moved = match (self, day.weekday()) {
            (Self::Before, Weekday::Sat) => day.checked_sub_days(Days::new(1)),
            (Self::Before, Weekday::Sun) => day.checked_sub_days(Days::new(2)),
            (Self::After, Weekday::Sat) => day.checked_add_days(Days::new(2)),
            (Self::After, Weekday::Sun) => day.checked_add_days(Days::new(1)),
            _ => None,
        };
        moved.unwrap_or(day)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    Every {
        frequency: Frequency,
        interval: u32,
    },
    /// The parts of a validated RFC 5545 RRULE.
    Rfc(String),
}

/// The schedule of a recurring transaction.
///
/// Its occurrences are days of the rule; [`Schedule::date_of`] returns their dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub rule: Rule,
    pub start: NaiveDate,
    pub end: Option<NaiveDate>,
    /// The maximum number of occurrences, including those of earlier versions.
    pub count: Option<u32>,
    pub weekend: Weekend,
    /// The number of occurrences that earlier versions of the schedule consumed.
    pub prior_occurrences: u32,
    /// The first day that this version of the schedule applies to. None: its start.
    pub effective_from: Option<NaiveDate>,
}

impl Schedule {
    /// Lists the occurrences from `from` on, in order.
    ///
    /// An occurrence that a weekend rule would date past the end, or on the date of
    /// the previous occurrence, is skipped and not counted.
    pub fn occurrences(&self, from: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        let left = self.total().map(|total| total.saturating_sub(self.prior_occurrences));
        let left = left.and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
        let effective_from = self.effective_from.unwrap_or(self.start);
        self.days().skip_while(move |day| *day < effective_from).take(left).skip_while(move |day| *day < from)
    }

    /// Counts the occurrences before `next`, or all occurrences if `next` is `None`.
    pub fn occurrences_before(&self, next: Option<NaiveDate>) -> u32 {
        let past = self.occurrences(self.start).take_while(|day| next.is_none_or(|next| *day < next)).count();
        self.prior_occurrences.saturating_add(u32::try_from(past).unwrap_or(u32::MAX))
    }

    /// Starts this version of the schedule after `used` occurrences of earlier ones.
    ///
    /// Its first day is the first from `from` on that is dated `earliest` or later.
    pub fn continue_with(&mut self, used: u32, from: NaiveDate, earliest: NaiveDate) {
        let first = self.days().find(|day| *day >= from && self.date_of(*day) >= earliest);
        self.prior_occurrences = used;
        self.effective_from = Some(first.unwrap_or(from));
    }

    /// Returns the maximum number of occurrences, from `count` or the rule's COUNT.
    pub fn total(&self) -> Option<u32> {
        match &self.rule {
            Rule::Every { .. } => self.count,
            Rule::Rfc(rule) => self.count.or_else(|| rfc_rule::count(rule)),
        }
    }

    /// Lists the days of the rule up to its end, without the limit on their number.
    fn days(&self) -> impl Iterator<Item = NaiveDate> {
        let all: Box<dyn Iterator<Item = NaiveDate>> = match &self.rule {
            Rule::Every { frequency, interval } => {
                let (frequency, interval, start) = (*frequency, *interval, self.start);
                let each =
                    (0_u32..).map_while(move |number| frequency.after(start, number.checked_mul(interval)?));
                Box::new(each)
            }
            Rule::Rfc(rule) => rfc_rule::days(rule, self.start),
        };
        let latest = self.last_day();
        let weekend = self.weekend;
        let mut dated_before = None;
        all.take_while(move |date| *date <= latest).filter(move |date| {
            let dated = weekend.date(*date);
            let happens = dated <= latest && dated_before.is_none_or(|before| dated > before);
            if happens {
                dated_before = Some(dated);
            }
            happens
        })
    }

    /// Returns the last possible date of an occurrence.
    fn last_day(&self) -> NaiveDate {
        let until = match &self.rule {
            Rule::Every { .. } => None,
            Rule::Rfc(rule) => rfc_rule::until(rule),
        };
        [self.end, until].into_iter().flatten().fold(date::latest(), NaiveDate::min)
    }

    /// Returns the date of an occurrence, moved by the weekend rule.
    pub fn date_of(&self, occurrence: NaiveDate) -> NaiveDate {
        self.weekend.date(occurrence)
    }
}
