//! Where spending leads by the end of the period: what is spent, plus what is
//! known to come.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::period::Period;

/// What is known to be spent after today, by day, minor units.
pub type Upcoming = BTreeMap<NaiveDate, i64>;

/// Spending by the end of the period, minor units; what was spent when `today`
/// is not in it.
pub fn projected(spent: i64, upcoming: &Upcoming, period: Period, today: NaiveDate) -> i64 {
    if !period.contains(today) {
        return spent;
    }
    due(upcoming, period, today).fold(spent, |sum, (_, amount)| sum.saturating_add(amount))
}

/// The first day after today, in the period, on which all of `budgeted` is spent.
pub fn exhausted_on(
    spent: i64,
    budgeted: i64,
    upcoming: &Upcoming,
    period: Period,
    today: NaiveDate,
) -> Option<NaiveDate> {
    if budgeted <= spent || !period.contains(today) {
        return None;
    }
    let mut sum = spent;
    let mut days = due(upcoming, period, today);
    days.find(|(_, amount)| {
        sum = sum.saturating_add(*amount);
        sum >= budgeted
    })
    .map(|(day, _)| day)
}

/// The days after today in the period, in order.
fn due(upcoming: &Upcoming, period: Period, today: NaiveDate) -> impl Iterator<Item = (NaiveDate, i64)> {
    let days = upcoming.iter().map(|(day, amount)| (*day, *amount));
    days.filter(move |(day, _)| *day > today && period.contains(*day))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{Upcoming, exhausted_on, projected};
    use crate::domain::period::Period;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn november() -> Period {
        Period { start: day("2026-11-01"), end: day("2026-11-30") }
    }

    fn upcoming(days: &[(&str, i64)]) -> Upcoming {
        days.iter().map(|(text, amount)| (day(text), *amount)).collect()
    }

    #[test]
    fn a_rent_on_the_first_is_not_drawn_through_the_month() {
        let today = day("2026-11-01");
        assert_eq!(projected(90_000, &Upcoming::new(), november(), today), 90_000);
        assert_eq!(exhausted_on(90_000, 100_000, &Upcoming::new(), november(), today), None);
    }

    #[test]
    fn what_is_due_in_the_period_counts() {
        let today = day("2026-11-10");
        let due = upcoming(&[
            ("2026-11-10", 500),
            ("2026-11-15", 6_000),
            ("2026-11-20", 5_000),
            ("2026-11-30", -2_000),
            ("2026-12-01", 90_000),
        ]);
        assert_eq!(projected(10_000, &due, november(), today), 19_000);
        let out = |budgeted| exhausted_on(10_000, budgeted, &due, november(), today);
        assert_eq!(out(16_000), Some(day("2026-11-15")));
        assert_eq!(out(16_001), Some(day("2026-11-20")));
        assert_eq!(out(21_001), None);
        assert_eq!(out(10_000), None, "it is spent already");
        assert_eq!(projected(10_000, &due, november(), day("2026-12-01")), 10_000, "it is over");
    }
}
