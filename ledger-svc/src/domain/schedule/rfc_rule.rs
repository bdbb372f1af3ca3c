//! RFC 5545 rules: parsing, validation and their days.

use chrono::{Datelike as _, NaiveDate, NaiveTime, TimeZone as _, Utc};
use kit_core::date;
use rrule::{RRule, RRuleSet, Unvalidated};

const MAX_RULE_CHARS: usize = 500;
/// The maximum number of years between two days of a rule with interval 1.
///
/// 29 February needs eight. Finding the next day takes one step per day before it.
const MAX_YEARS_BETWEEN: i32 = 9;
/// The number of days of a rule that are checked for gaps.
const MAX_DAYS_CHECKED: usize = 500;

/// Normalizes a rule to upper case and validates it.
pub fn normalize(text: &str, start: NaiveDate) -> Result<String, String> {
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

/// Lists the distinct days of a stored rule, ignoring COUNT, which the schedule applies.
pub fn days(rule: &str, start: NaiveDate) -> Box<dyn Iterator<Item = NaiveDate>> {
    // Unreachable: stored rules were validated.
    let Ok(set) = rule_set(&without(rule, &["COUNT="]), start) else { return Box::new(std::iter::empty()) };
    let days = set.into_iter().map(|instant| instant.date_naive());
    let mut last = None;
    let distinct = days.filter(move |day| last.replace(*day) != Some(*day));
    Box::new(distinct.take_while(|day| *day <= date::latest()))
}

/// Returns whether the days of a rule, ignoring its end, are too far apart to find.
pub fn is_sparse(rule: &str, start: NaiveDate) -> bool {
    let Ok(set) = rule_set(&without(rule, &["COUNT=", "UNTIL="]), start) else { return false };
    let interval = part(rule, "INTERVAL=").and_then(|text| text.parse().ok());
    let most = MAX_YEARS_BETWEEN.saturating_mul(interval.unwrap_or(1));
    let mut before = start;
    let mut is_gap = |day: NaiveDate| {
        let years = day.year().saturating_sub(before.year());
        before = day;
        years > most
    };
    let mut days = set.into_iter().map(|instant| instant.date_naive()).take(MAX_DAYS_CHECKED);
    let first_late = days.find(|day| *day > date::latest() || is_gap(*day));
    first_late.is_some_and(|day| is_gap(day) || day <= date::latest())
}

/// Returns COUNT of a stored rule.
pub fn count(rule: &str) -> Option<u32> {
    part(rule, "COUNT=")?.parse().ok()
}

/// Returns the day of UNTIL of a stored rule.
pub fn until(rule: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(part(rule, "UNTIL=")?.get(..8)?, "%Y%m%d").ok()
}

fn part<'a>(rule: &'a str, name: &str) -> Option<&'a str> {
    rule.split(';').find_map(|part| part.strip_prefix(name))
}

fn without(rule: &str, names: &[&str]) -> String {
    let is_kept = |part: &&str| !names.iter().any(|name| part.starts_with(name));
    rule.split(';').filter(is_kept).collect::<Vec<_>>().join(";")
}
