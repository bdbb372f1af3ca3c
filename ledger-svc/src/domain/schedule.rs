//! Schedules of recurring transactions.
//!
//! A schedule repeats every given number of days, weeks, months or years, or follows
//! an RFC 5545 rule. Month-ends are kept; occurrences can be moved off weekends.

use chrono::{Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeZone as _, Utc, Weekday};
use fintrac_kit::date;
use fintrac_kit::error::FieldViolation;
use rrule::{RRule, RRuleSet, Unvalidated};

const MAX_RULE_CHARS: usize = 500;
const MAX_INTERVAL: i64 = 1000;
const MAX_OCCURRENCES: i64 = 100_000;
/// The maximum number of years between two days of a rule with interval 1.
///
/// 29 February needs eight. Finding the next day takes one step per day before it.
const MAX_YEARS_BETWEEN: i32 = 9;
/// The number of days of a rule that are checked for gaps.
const MAX_DAYS_CHECKED: usize = 500;

/// The unit of a frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Frequency {
    const ALL: [Self; 4] = [Self::Daily, Self::Weekly, Self::Monthly, Self::Yearly];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }

    /// Parses a frequency, ignoring case.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weekend {
    Keep,
    /// Moves the occurrence to Friday.
    Before,
    /// Moves the occurrence to Monday.
    After,
}

impl Weekend {
    const ALL: [Self; 3] = [Self::Keep, Self::Before, Self::After];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Before => "before",
            Self::After => "after",
        }
    }

    /// Parses a weekend rule, ignoring case.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }

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

/// A schedule as sent by the client.
#[derive(Debug, Clone, Default)]
pub struct ScheduleInput {
    pub frequency: Option<String>,
    pub interval: Option<i64>,
    pub rrule: Option<String>,
    pub start_date: Option<String>,
    pub end_date: Option<String>,
    pub count: Option<i64>,
    pub weekend: Option<String>,
}

impl ScheduleInput {
    /// Validates the schedule and adds all violations to `violations`.
    ///
    /// The start is `default_start` unless one is given, and not before `earliest`.
    pub fn resolve(
        &self,
        default_start: NaiveDate,
        earliest: NaiveDate,
        violations: &mut Vec<FieldViolation>,
    ) -> Option<Schedule> {
        let before = violations.len();
        let mut read_day = |field: &str, text: &Option<String>| {
            let text = text.as_deref()?;
            let found = date::parse(text.trim());
            if found.is_none() {
                violations.push(date::invalid(field));
            }
            found
        };
        let start = read_day("start_date", &self.start_date).unwrap_or(default_start);
        let end = read_day("end_date", &self.end_date);
        if start < earliest {
            let text = "The start must be at most a year ago, because past occurrences are posted at once. Send a later day.";
            violations.push(FieldViolation::new("start_date", "DATE_TOO_EARLY", text));
        }
        if end.is_some_and(|end| end < start) {
            let text = "The end must not be before start_date. Send a later day.";
            violations.push(FieldViolation::new("end_date", "DATE_TOO_EARLY", text));
        }
        if self.count.is_some() && self.end_date.is_some() {
            violations.push(FieldViolation::new(
                "count",
                "CONFLICTING",
                "end_date and count are mutually exclusive. Omit one of them.",
            ));
        }
        let count = self.count.and_then(|count| number("count", count, MAX_OCCURRENCES, violations));
        let weekend = match self.weekend.as_deref() {
            None => Some(Weekend::Keep),
            Some(text) => Weekend::from_text(text),
        };
        if weekend.is_none() {
            violations.push(FieldViolation::new(
                "weekend",
                "WEEKEND_INVALID",
                "The weekend rule must be keep, before or after.",
            ));
        }
        let rule = self.rule(start, violations);
        if violations.len() > before {
            return None;
        }
        let (rule, weekend) = (rule?, weekend?);
        let schedule =
            Schedule { rule, start, end, count, weekend, prior_occurrences: 0, effective_from: None };
        if schedule.is_sparse() {
            let text = "The days of a rule must not be too far apart. Send a more frequent rule.";
            violations.push(FieldViolation::new("rrule", "RRULE_INVALID", text));
            return None;
        }
        if schedule.occurrences(start).next().is_none() {
            let field = if self.rrule.is_some() { "rrule" } else { "end_date" };
            violations.push(FieldViolation::new(
                field,
                "SCHEDULE_EMPTY",
                "A schedule must have at least one occurrence. Change the rule.",
            ));
            return None;
        }
        Some(schedule)
    }

    fn rule(&self, start: NaiveDate, violations: &mut Vec<FieldViolation>) -> Option<Rule> {
        let Some(text) = self.rrule.as_deref() else {
            let frequency = self.frequency.as_deref().and_then(Frequency::from_text);
            if self.frequency.is_none() {
                let text = "A frequency or an rrule is required. Send daily, weekly, monthly or yearly, or an rrule.";
                violations.push(FieldViolation::new("frequency", "REQUIRED", text));
            } else if frequency.is_none() {
                let text = "The frequency must be daily, weekly, monthly or yearly.";
                violations.push(FieldViolation::new("frequency", "RECURRING_FREQUENCY_INVALID", text));
            }
            let interval = number("interval", self.interval.unwrap_or(1), MAX_INTERVAL, violations);
            return Some(Rule::Every { frequency: frequency?, interval: interval? });
        };
        for (field, is_there) in
            [("frequency", self.frequency.is_some()), ("interval", self.interval.is_some())]
        {
            if is_there {
                violations.push(FieldViolation::new(
                    field,
                    "CONFLICTING",
                    "The field and rrule are mutually exclusive. Omit one of them.",
                ));
            }
        }
        match normalize_rule(text, start) {
            Ok(rule) => {
                let ends = rule.contains("COUNT=") || rule.contains("UNTIL=");
                if ends && (self.count.is_some() || self.end_date.is_some()) {
                    let text = "The end must be either in rrule, or in count or end_date. Omit one of them.";
                    violations.push(FieldViolation::new("rrule", "CONFLICTING", text));
                }
                Some(Rule::Rfc(rule))
            }
            Err(why) => {
                violations.push(FieldViolation::new("rrule", "RRULE_INVALID", why));
                None
            }
        }
    }
}

/// Validates a number from 1 to `most`.
fn number(field: &str, number: i64, most: i64, violations: &mut Vec<FieldViolation>) -> Option<u32> {
    let found = u32::try_from(number).ok().filter(|_| (1..=most).contains(&number));
    if found.is_none() {
        let text = format!("The number must be from 1 to {most}.");
        violations.push(FieldViolation::new(field, "NUMBER_INVALID", text));
    }
    found
}

/// Normalizes a rule to upper case and validates it.
fn normalize_rule(text: &str, start: NaiveDate) -> Result<String, String> {
    let upper = text.trim().to_ascii_uppercase();
    let upper = upper.strip_prefix("RRULE:").unwrap_or(&upper);
    let whole = |part: &str| match part.strip_prefix("UNTIL=") {
        // A date without a time includes the whole day.
        Some(day) if day.len() == 8 => format!("{part}T235959Z"),
        _ => part.to_owned(),
    };
    let plain = upper.len() <= MAX_RULE_CHARS && upper.bytes().all(is_rule_byte);
    let rule = if plain { upper.split(';').map(whole).collect::<Vec<_>>().join(";") } else { String::new() };
    if !(1..=MAX_RULE_CHARS).contains(&rule.len()) {
        return Err(format!("The rule must be one RRULE of at most {MAX_RULE_CHARS} characters."));
    }
    rule_set(&rule, start).map(|_| rule)
}

/// Returns whether a byte is allowed in a rule.
///
/// Colons are not allowed: a prefix before one would hide the name of a part.
fn is_rule_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"=;,+-".contains(&byte)
}

/// Parses a rule with its start at noon UTC, where no clock change moves the day.
fn rule_set(rule: &str, start: NaiveDate) -> Result<RRuleSet, String> {
    let wrong = |error: rrule::RRuleError| format!("The rule must follow RFC 5545: {error}.");
    let rule: RRule<Unvalidated> = rule.parse().map_err(wrong)?;
    let in_days = !matches!(
        rule.get_freq(),
        rrule::Frequency::Hourly | rrule::Frequency::Minutely | rrule::Frequency::Secondly
    );
    let hours = [rule.get_by_hour(), rule.get_by_minute(), rule.get_by_second()];
    if !in_days || hours.iter().any(|finer| !finer.is_empty()) {
        return Err("The frequency of the rule must be days or longer. Send FREQ=DAILY or longer.".to_owned());
    }
    let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default();
    let start = Utc.from_utc_datetime(&start.and_time(noon)).with_timezone(&rrule::Tz::UTC);
    let rule = rule.validate(start).map_err(wrong)?;
    Ok(RRuleSet::new(start).rrule(rule).limit())
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

    /// Returns whether the rule's days, ignoring its end, are too far apart to find.
    fn is_sparse(&self) -> bool {
        let Rule::Rfc(rule) = &self.rule else { return false };
        let Ok(set) = rule_set(&without_end(rule), self.start) else { return false };
        let interval = rule.split(';').find_map(|part| part.strip_prefix("INTERVAL=")?.parse::<i32>().ok());
        let most = MAX_YEARS_BETWEEN.saturating_mul(interval.unwrap_or(1));
        let mut before = self.start;
        let mut is_gap = |day: NaiveDate| {
            let years = day.year().saturating_sub(before.year());
            before = day;
            years > most
        };
        let mut days = set.into_iter().map(|instant| instant.date_naive()).take(MAX_DAYS_CHECKED);
        let first_late = days.find(|day| *day > date::latest() || is_gap(*day));
        first_late.is_some_and(|day| is_gap(day) || day <= date::latest())
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
            Rule::Rfc(rule) => self.count.or_else(|| rule_count(rule)),
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
            Rule::Rfc(rule) => match rule_set(&without_count(rule), self.start) {
                Ok(set) => {
                    let dates = set.into_iter().distinct_days_until(date::latest());
                    Box::new(dates)
                }
                // Unreachable: stored rules were validated.
                Err(_) => Box::new(std::iter::empty()),
            },
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
            Rule::Rfc(rule) => rule_until(rule),
        };
        [self.end, until].into_iter().flatten().fold(date::latest(), NaiveDate::min)
    }

    /// Returns the date of an occurrence, moved by the weekend rule.
    pub fn date_of(&self, occurrence: NaiveDate) -> NaiveDate {
        self.weekend.date(occurrence)
    }
}

/// Removes COUNT and UNTIL from a rule.
fn without_end(rule: &str) -> String {
    let is_end = |part: &&str| part.starts_with("COUNT=") || part.starts_with("UNTIL=");
    rule.split(';').filter(|part| !is_end(part)).collect::<Vec<_>>().join(";")
}

/// Removes COUNT, which the schedule applies, from a stored rule.
fn without_count(rule: &str) -> String {
    rule.split(';').filter(|part| !part.starts_with("COUNT=")).collect::<Vec<_>>().join(";")
}

fn rule_count(rule: &str) -> Option<u32> {
    rule.split(';').find_map(|part| part.strip_prefix("COUNT="))?.parse().ok()
}

/// Parses the day of a stored rule's UNTIL.
fn rule_until(rule: &str) -> Option<NaiveDate> {
    let until = rule.split(';').find_map(|part| part.strip_prefix("UNTIL="))?;
    NaiveDate::parse_from_str(until.get(..8)?, "%Y%m%d").ok()
}

/// Reduces the instants of a rule to distinct days.
trait DistinctDays: Iterator<Item = chrono::DateTime<rrule::Tz>> + Sized {
    fn distinct_days_until(self, latest: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        let mut last = None;
        self.map(|instant| instant.date_naive()).take_while(move |date| *date <= latest).filter(move |date| {
            let is_new = last != Some(*date);
            last = Some(*date);
            is_new
        })
    }
}

impl<I: Iterator<Item = chrono::DateTime<rrule::Tz>>> DistinctDays for I {}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::{Schedule, ScheduleInput};

    fn day(text: &str) -> NaiveDate {
        text.parse().expect(text)
    }

    fn some_text(text: &str) -> Option<String> {
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    fn schedule(input: &ScheduleInput) -> Result<Schedule, Vec<(String, &'static str)>> {
        let mut violations = Vec::new();
        let schedule = input.resolve(day("2026-01-31"), day("1990-01-01"), &mut violations);
        schedule.ok_or_else(|| {
            violations.into_iter().map(|violation| (violation.field, violation.reason)).collect()
        })
    }

    fn days(input: &ScheduleInput, number: usize) -> Vec<String> {
        let schedule = schedule(input).expect("a schedule");
        let dated =
            schedule.occurrences(schedule.start).map(|occurrence| schedule.date_of(occurrence).to_string());
        dated.take(number).collect()
    }

    fn every(frequency: &str, interval: i64) -> ScheduleInput {
        ScheduleInput {
            frequency: some_text(frequency),
            interval: Some(interval),
            ..ScheduleInput::default()
        }
    }

    fn rule(text: &str) -> ScheduleInput {
        ScheduleInput { rrule: some_text(text), ..ScheduleInput::default() }
    }

    #[test]
    fn rules_whose_days_are_too_far_apart_are_rejected() {
        for text in [
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;UNTIL=20261231",
            "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU;COUNT=3",
        ] {
            let rejected = schedule(&rule(text)).expect_err(text);
            assert_eq!(rejected, [("rrule".to_owned(), "RRULE_INVALID")], "{text}");
        }
        let never = schedule(&rule("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30")).expect_err("never");
        assert_eq!(never, [("rrule".to_owned(), "SCHEDULE_EMPTY")]);
        assert_eq!(days(&rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"), 2), ["2028-02-29", "2032-02-29"]);
        assert_eq!(days(&rule("FREQ=YEARLY;INTERVAL=10"), 2), ["2026-01-31", "2036-01-31"]);
        // 2096-02-29 is followed by 2104-02-29: there is none in 2100.
        let leap = days(&rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"), 19);
        assert_eq!(leap[17..], ["2096-02-29", "2104-02-29"]);
    }

    #[test]
    fn month_ends_are_kept() {
        assert_eq!(days(&every("Monthly", 1), 4), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]);
        let leap = ScheduleInput { start_date: some_text("2024-02-29"), ..every("yearly", 1) };
        assert_eq!(days(&leap, 5)[3..], ["2027-02-28", "2028-02-29"]);
        assert_eq!(days(&every("weekly", 2), 2), ["2026-01-31", "2026-02-14"]);
        assert_eq!(days(&every("daily", 10), 2), ["2026-01-31", "2026-02-10"]);
    }

    #[test]
    fn weekend_occurrences_are_moved() {
        // 31 January 2026 is a Saturday, 1 March a Sunday.
        let with = |weekend: &str, start: &str| ScheduleInput {
            weekend: some_text(weekend),
            start_date: some_text(start),
            ..every("monthly", 1)
        };
        assert_eq!(days(&with("before", "2026-01-31"), 1), ["2026-01-30"]);
        assert_eq!(days(&with("AFTER", "2026-01-31"), 1), ["2026-02-02"]);
        assert_eq!(days(&with("before", "2026-03-01"), 2), ["2026-02-27", "2026-04-01"]);
        assert_eq!(days(&with("after", "2026-03-01"), 1), ["2026-03-02"]);
        assert_eq!(days(&with("keep", "2026-03-01"), 1), ["2026-03-01"]);
    }

    #[test]
    fn a_weekend_rule_never_passes_the_end_and_never_repeats_a_date() {
        // 5 December 2026 is a Saturday, 3 December a Thursday.
        let ending = |weekend: &str, end: &str| ScheduleInput {
            weekend: some_text(weekend),
            start_date: some_text("2026-11-05"),
            end_date: some_text(end),
            ..every("monthly", 1)
        };
        assert_eq!(days(&ending("after", "2026-12-05"), 9), ["2026-11-05"]);
        assert_eq!(days(&ending("after", "2026-12-07"), 9), ["2026-11-05", "2026-12-07"]);
        assert_eq!(days(&ending("before", "2026-12-05"), 9), ["2026-11-05", "2026-12-04"]);
        let until = ScheduleInput {
            weekend: some_text("after"),
            start_date: some_text("2026-11-05"),
            ..rule("FREQ=MONTHLY;UNTIL=20261205")
        };
        assert_eq!(days(&until, 9), ["2026-11-05"]);
        let daily = |weekend: &str| ScheduleInput {
            weekend: some_text(weekend),
            start_date: some_text("2026-12-03"),
            count: Some(4),
            ..every("daily", 1)
        };
        assert_eq!(days(&daily("before"), 9), ["2026-12-03", "2026-12-04", "2026-12-07", "2026-12-08"]);
        assert_eq!(days(&daily("after"), 9), ["2026-12-03", "2026-12-04", "2026-12-07", "2026-12-08"]);
        assert_eq!(days(&daily("keep"), 9), ["2026-12-03", "2026-12-04", "2026-12-05", "2026-12-06"]);
    }

    #[test]
    fn a_changed_schedule_keeps_its_remaining_count() {
        let monthly =
            ScheduleInput { count: Some(5), start_date: some_text("2026-06-01"), ..every("monthly", 1) };
        let before = schedule(&monthly).expect("a schedule");
        assert_eq!(before.occurrences_before(Some(day("2026-09-01"))), 3);
        assert_eq!(before.occurrences_before(None), 5);
        for input in [
            ScheduleInput { count: Some(5), start_date: some_text("2026-06-01"), ..every("weekly", 1) },
            ScheduleInput { start_date: some_text("2026-06-01"), ..rule("FREQ=WEEKLY;COUNT=5") },
        ] {
            let mut after = schedule(&input).expect("a schedule");
            after.prior_occurrences = 3;
            after.effective_from = Some(day("2026-08-10"));
            let left: Vec<_> = after.occurrences(after.start).map(|day| day.to_string()).collect();
            assert_eq!(left, ["2026-08-10", "2026-08-17"]);
            assert_eq!(after.occurrences_before(Some(day("2026-08-17"))), 4);
            assert_eq!(after.occurrences_before(None), 5);
        }
    }

    #[test]
    fn rfc_rules_end_at_count_until_or_end_date() {
        let last_friday = rule("rrule:FREQ=MONTHLY;BYDAY=-1FR");
        assert_eq!(days(&last_friday, 3), ["2026-02-27", "2026-03-27", "2026-04-24"]);
        assert_eq!(days(&rule("FREQ=DAILY;COUNT=2"), 9), ["2026-01-31", "2026-02-01"]);
        assert_eq!(
            days(&rule("FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260209"), 9),
            ["2026-02-02", "2026-02-04", "2026-02-09"]
        );
        let ended = ScheduleInput { end_date: some_text("2026-03-01"), ..rule("FREQ=MONTHLY;BYMONTHDAY=1") };
        assert_eq!(days(&ended, 9), ["2026-02-01", "2026-03-01"]);
        let counted = ScheduleInput { count: Some(2), ..every("daily", 1) };
        assert_eq!(days(&counted, 9).len(), 2);
        // A valid rule is also valid in its stored form.
        let many = (1..=28).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
        for rest in [370, 380] {
            let rule = format!(
                "FREQ=DAILY;BYMONTHDAY={many};BYYEARDAY={};UNTIL=20270101",
                "1,".repeat(rest / 2) + "1"
            );
            let Ok(Schedule { rule: super::Rule::Rfc(kept), .. }) = schedule(&self::rule(&rule)) else {
                continue;
            };
            assert!(schedule(&self::rule(&kept)).is_ok(), "{}", kept.len());
        }
    }

    #[test]
    fn invalid_schedules_are_rejected_by_field() {
        let rejected = |input: &ScheduleInput| schedule(input).expect_err("rejected");
        let one = |field: &str, reason| vec![(field.to_owned(), reason)];
        assert_eq!(rejected(&ScheduleInput::default()), one("frequency", "REQUIRED"));
        assert_eq!(rejected(&every("hourly", 1)), one("frequency", "RECURRING_FREQUENCY_INVALID"));
        assert_eq!(rejected(&every("daily", 0)), one("interval", "NUMBER_INVALID"));
        assert_eq!(rejected(&rule("FREQ=HOURLY")), one("rrule", "RRULE_INVALID"));
        assert_eq!(rejected(&rule("FREQ=DAILY;BYHOUR=1,2")), one("rrule", "RRULE_INVALID"));
        for hidden in [
            "EXRULE:FREQ=SECONDLY",
            "RRULE:RRULE:FREQ=SECONDLY",
            "FREQ=\u{17f}ECONDLY",
            "FREQ=DAILY;BYM\u{131}NUTE=1",
        ] {
            assert_eq!(rejected(&rule(hidden)), one("rrule", "RRULE_INVALID"), "{hidden}");
        }
        let old = ScheduleInput { start_date: some_text("1900-01-01"), ..every("daily", 1) };
        assert_eq!(rejected(&old), one("start_date", "DATE_TOO_EARLY"));
        assert_eq!(rejected(&rule("every day")), one("rrule", "RRULE_INVALID"));
        assert_eq!(rejected(&rule("")), one("frequency", "REQUIRED"));
        assert_eq!(rejected(&rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")), one("rrule", "SCHEDULE_EMPTY"));
        let both =
            ScheduleInput { frequency: some_text("daily"), count: Some(2), ..rule("FREQ=DAILY;COUNT=3") };
        assert_eq!(
            rejected(&both),
            [("frequency".to_owned(), "CONFLICTING"), ("rrule".to_owned(), "CONFLICTING")]
        );
        let odd = ScheduleInput {
            start_date: some_text("2026-02-30"),
            end_date: some_text("2026-01-01"),
            count: Some(-1),
            weekend: some_text("never"),
            ..every("daily", 1)
        };
        let fields: Vec<_> = rejected(&odd).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["start_date", "end_date", "count", "count", "weekend"]);
    }

    proptest! {
        #[test]
        fn occurrences_increase_and_do_not_depend_on_the_first_day_read(
            frequency in prop_oneof![Just("daily"), Just("weekly"), Just("monthly"), Just("yearly")],
            interval in 1..30_i64,
            start in 0..20_000_u64,
            from in 0..2000_u64,
        ) {
            let start = day("1990-01-01") + chrono::Days::new(start);
            let input = ScheduleInput { start_date: some_text(&start.to_string()), ..every(frequency, interval) };
            let schedule = schedule(&input).expect("a schedule");
            let all: Vec<_> = schedule.occurrences(start).take(50).collect();
            prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]) && all[0] == start);
            let from = start + chrono::Days::new(from);
            let next = schedule.occurrences(from).next();
            let expected = all.iter().copied().find(|day| *day >= from);
            prop_assert!(expected.is_none() || next == expected);
        }
    }
}
