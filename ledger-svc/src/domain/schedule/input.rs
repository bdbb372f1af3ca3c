//! The input of schedules, and its validation.

use chrono::NaiveDate;
use kit_core::date;
use kit_core::error::{FieldCode, FieldViolation};

use super::{Frequency, Rule, Schedule, Weekend, rfc_rule};
use crate::domain::changes::Changes;
use crate::domain::{parse, require};

const MAX_INTERVAL: i64 = 1000;
const MAX_OCCURRENCES: i64 = 100_000;

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
            require(date::parse(text.as_deref()?.trim()), field, FieldCode::DateInvalid, violations)
        };
        let start = read_day("start_date", &self.start_date).unwrap_or(default_start);
        let end = read_day("end_date", &self.end_date);
        if start < earliest {
            let text = "The start must be at most a year ago, because past occurrences are posted at once. Send a later day.";
            violations.push(FieldViolation::new("start_date", FieldCode::DateTooEarly, text));
        }
        if end.is_some_and(|end| end < start) {
            let text = "The end must not be before start_date. Send a later day.";
            violations.push(FieldViolation::new("end_date", FieldCode::DateTooEarly, text));
        }
        if self.count.is_some() && self.end_date.is_some() {
            let text = "end_date and count are mutually exclusive. Omit one of them.";
            violations.push(FieldViolation::new("count", FieldCode::Conflicting, text));
        }
        let count = self.count.and_then(|count| number("count", count, MAX_OCCURRENCES, violations));
        let weekend = match self.weekend.as_deref() {
            None => Some(Weekend::Keep),
            Some(text) => parse(text),
        };
        let weekend = require(weekend, "weekend", FieldCode::WeekendInvalid, violations);
        let rule = self.rule(start, violations);
        if violations.len() > before {
            return None;
        }
        let (rule, weekend) = (rule?, weekend?);
        let schedule =
            Schedule { rule, start, end, count, weekend, prior_occurrences: 0, effective_from: None };
        if matches!(&schedule.rule, Rule::Rfc(rule) if rfc_rule::is_sparse(rule, start)) {
            let text = "The days of a rule must not be too far apart. Send a more frequent rule.";
            violations.push(FieldViolation::new("rrule", FieldCode::RruleInvalid, text));
            return None;
        }
        if schedule.occurrences(start).next().is_none() {
            let field = if self.rrule.is_some() { "rrule" } else { "end_date" };
            violations.push(FieldViolation::from_code(field, FieldCode::ScheduleEmpty));
            return None;
        }
        Some(schedule)
    }

    fn rule(&self, start: NaiveDate, violations: &mut Vec<FieldViolation>) -> Option<Rule> {
        let Some(text) = self.rrule.as_deref() else {
            let frequency = self.frequency.as_deref().and_then(parse::<Frequency>);
            if self.frequency.is_none() {
                let text = "A frequency or an rrule is required. Send daily, weekly, monthly or yearly, or an rrule.";
                violations.push(FieldViolation::new("frequency", FieldCode::Required, text));
            } else if frequency.is_none() {
                violations.push(FieldViolation::from_code("frequency", FieldCode::RecurringFrequencyInvalid));
            }
            let interval = number("interval", self.interval.unwrap_or(1), MAX_INTERVAL, violations);
            return Some(Rule::Every { frequency: frequency?, interval: interval? });
        };
        for (field, is_there) in
            [("frequency", self.frequency.is_some()), ("interval", self.interval.is_some())]
        {
            if is_there {
                let text = "The field and rrule are mutually exclusive. Omit one of them.";
                violations.push(FieldViolation::new(field, FieldCode::Conflicting, text));
            }
        }
        match rfc_rule::normalize(text, start) {
            Ok(rule) => {
                let ends = rule.contains("COUNT=") || rule.contains("UNTIL=");
                if ends && (self.count.is_some() || self.end_date.is_some()) {
                    let text = "The end must be either in rrule, or in count or end_date. Omit one of them.";
                    violations.push(FieldViolation::new("rrule", FieldCode::Conflicting, text));
                }
                Some(Rule::Rfc(rule))
            }
            Err(why) => {
                violations.push(FieldViolation::new("rrule", FieldCode::RruleInvalid, why));
                None
            }
        }
    }
}

impl From<&Schedule> for ScheduleInput {
    fn from(schedule: &Schedule) -> Self {
        let (frequency, interval, rrule) = match &schedule.rule {
            Rule::Every { frequency, interval } => {
                (Some(frequency.into_str().to_owned()), Some(i64::from(*interval)), None)
            }
            Rule::Rfc(rule) => (None, None, Some(rule.clone())),
        };
        Self {
            frequency,
            interval,
            rrule,
            start_date: Some(schedule.start.to_string()),
            end_date: schedule.end.map(|day| day.to_string()),
            count: schedule.count.map(i64::from),
            weekend: Some(schedule.weekend.into_str().to_owned()),
        }
    }
}

/// The requested changes of a schedule.
pub type ScheduleChanges = Changes<ScheduleInput>;

impl ScheduleChanges {
    /// Returns the input of the whole changed schedule.
    ///
    /// A new kind of rule replaces the other kind, and so does a new kind of end.
    pub fn apply_to(&self, schedule: &Schedule) -> ScheduleInput {
        let (mut input, sent) = (ScheduleInput::from(schedule), &self.values);
        if self.contains("rrule") && sent.rrule.is_some() {
            (input.frequency, input.interval) = (None, None);
        }
        if self.contains("frequency") && sent.frequency.is_some() {
            input.rrule = None;
        }
        if self.contains("count") && sent.count.is_some() {
            input.end_date = None;
        }
        if self.contains("end_date") && sent.end_date.is_some() {
            input.count = None;
        }
        self.apply_field("frequency", &mut input.frequency, |sent| &sent.frequency);
        self.apply_field("interval", &mut input.interval, |sent| &sent.interval);
        self.apply_field("rrule", &mut input.rrule, |sent| &sent.rrule);
        self.apply_field("end_date", &mut input.end_date, |sent| &sent.end_date);
        self.apply_field("count", &mut input.count, |sent| &sent.count);
        // These cannot be cleared.
        if sent.start_date.is_some() {
            self.apply_field("start_date", &mut input.start_date, |sent| &sent.start_date);
        }
        if sent.weekend.is_some() {
            self.apply_field("weekend", &mut input.weekend, |sent| &sent.weekend);
        }
        input
    }
}

/// Validates a number from 1 to `most`.
fn number(field: &str, number: i64, most: i64, violations: &mut Vec<FieldViolation>) -> Option<u32> {
    let found = u32::try_from(number).ok().filter(|_| (1..=most).contains(&number));
    if found.is_none() {
        let text = format!("The number must be from 1 to {most}.");
        violations.push(FieldViolation::new(field, FieldCode::NumberInvalid, text));
    }
    found
}
