//! Projections of spending to the end of a period.
//!
//! The projected spending is the spending so far plus the spending that is still due.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::period::Period;

/// Spending that is due after today, by day, in minor units.
pub type UpcomingByDay = BTreeMap<NaiveDate, i64>;

/// Returns the projected spending at the end of the period, in minor units.
/// It is `spent` if `today` is not in the period.
pub fn projected_spending(spent: i64, upcoming: &UpcomingByDay, period: Period, today: NaiveDate) -> i64 {
    if !period.contains(today) {
        return spent;
    }
    due_in_period(upcoming, period, today).fold(spent, |sum, (_, amount)| sum.saturating_add(amount))
}

/// Returns the first day after today on which `budgeted` will be spent.
/// `None` if it is spent already, or will not be spent in this period.
pub fn exhausted_on(
    spent: i64,
    budgeted: i64,
    upcoming: &UpcomingByDay,
    period: Period,
    today: NaiveDate,
) -> Option<NaiveDate> {
    if budgeted <= spent || !period.contains(today) {
        return None;
    }
    let mut sum = spent;
    let mut days = due_in_period(upcoming, period, today);
    days.find(|(_, amount)| {
        sum = sum.saturating_add(*amount);
        sum >= budgeted
    })
    .map(|(day, _)| day)
}

/// Lists the spending that is due after today in the period, by day.
fn due_in_period(
    upcoming: &UpcomingByDay,
    period: Period,
    today: NaiveDate,
) -> impl Iterator<Item = (NaiveDate, i64)> {
    let days = upcoming.iter().map(|(day, amount)| (*day, *amount));
    days.filter(move |(day, _)| *day > today && period.contains(*day))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{UpcomingByDay, exhausted_on, projected_spending};
    use crate::domain::period::Period;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn november() -> Period {
        Period { start: day("2026-11-01"), end: day("2026-11-30") }
    }

    fn upcoming(days: &[(&str, i64)]) -> UpcomingByDay {
        days.iter().map(|(text, amount)| (day(text), *amount)).collect()
    }

    #[test]
    fn rent_on_the_first_day_is_not_extrapolated() {
        let today = day("2026-11-01");
        assert_eq!(projected_spending(90_000, &UpcomingByDay::new(), november(), today), 90_000);
        assert_eq!(exhausted_on(90_000, 100_000, &UpcomingByDay::new(), november(), today), None);
    }

    #[test]
    fn spending_that_is_due_in_the_period_counts() {
        let today = day("2026-11-10");
        let due = upcoming(&[
            ("2026-11-10", 500),
            ("2026-11-15", 6_000),
            ("2026-11-20", 5_000),
            ("2026-11-30", -2_000),
            ("2026-12-01", 90_000),
        ]);
        assert_eq!(projected_spending(10_000, &due, november(), today), 19_000);
        let exhausted = |budgeted| exhausted_on(10_000, budgeted, &due, november(), today);
        assert_eq!(exhausted(16_000), Some(day("2026-11-15")));
        assert_eq!(exhausted(16_001), Some(day("2026-11-20")));
        assert_eq!(exhausted(21_001), None);
        assert_eq!(exhausted(10_000), None, "the budget is spent already");
        assert_eq!(
            projected_spending(10_000, &due, november(), day("2026-12-01")),
            10_000,
            "the period is over"
        );
    }
}
