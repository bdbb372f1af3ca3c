//! Tests of schedules: their days, validation and changes.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::{Rule, Schedule, ScheduleInput};

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
        violations.into_iter().map(|violation| (violation.field, violation.code.as_str())).collect()
    })
}

fn days(input: &ScheduleInput, number: usize) -> Vec<String> {
    let schedule = schedule(input).expect("a schedule");
    let dated =
        schedule.occurrences(schedule.start).map(|occurrence| schedule.date_of(occurrence).to_string());
    dated.take(number).collect()
}

fn every(frequency: &str, interval: i64) -> ScheduleInput {
    ScheduleInput { frequency: some_text(frequency), interval: Some(interval), ..ScheduleInput::default() }
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
        let rule =
            format!("FREQ=DAILY;BYMONTHDAY={many};BYYEARDAY={};UNTIL=20270101", "1,".repeat(rest / 2) + "1");
        let Ok(Schedule { rule: Rule::Rfc(kept), .. }) = schedule(&self::rule(&rule)) else {
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
    let both = ScheduleInput { frequency: some_text("daily"), count: Some(2), ..rule("FREQ=DAILY;COUNT=3") };
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
