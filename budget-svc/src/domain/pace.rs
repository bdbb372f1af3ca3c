//! Where spending leads if it goes on as it did in the period so far.

use chrono::{Days, NaiveDate};

use super::period::Period;

/// What will be spent by the end of the period, minor units, rounded towards
/// zero; what was spent, when `today` is not in it.
pub fn projected(spent: i64, period: Period, today: NaiveDate) -> i64 {
    let Some((gone, all)) = days(period, today) else { return spent };
    let projected = i128::from(spent).saturating_mul(all).checked_div(gone).unwrap_or_default();
    i64::try_from(projected).unwrap_or(if spent < 0 { i64::MIN } else { i64::MAX })
}

/// The day from tomorrow on, in the period, on which all of `budgeted` is spent.
pub fn runs_out_on(spent: i64, budgeted: i64, period: Period, today: NaiveDate) -> Option<NaiveDate> {
    let (gone, _) = days(period, today)?;
    if spent <= 0 || budgeted <= spent {
        return None;
    }
    // The smallest number of days with spent / gone * days >= budgeted.
    let (spent, budgeted) = (i128::from(spent), i128::from(budgeted));
    let needed = budgeted.checked_mul(gone)?.checked_add(spent)?.checked_sub(1)?.checked_div(spent)?;
    let day = period.start.checked_add_days(Days::new(u64::try_from(needed).ok()?.checked_sub(1)?))?;
    period.contains(day).then_some(day)
}

/// Days gone, today included, and all of them.
fn days(period: Period, today: NaiveDate) -> Option<(i128, i128)> {
    let until =
        |day: NaiveDate| i128::from(day.signed_duration_since(period.start).num_days()).checked_add(1);
    if !period.contains(today) {
        return None;
    }
    Some((until(today)?, until(period.end)?))
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};
    use proptest::prelude::*;

    use super::{projected, runs_out_on};
    use crate::domain::period::Period;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn november() -> Period {
        Period { start: day("2026-11-01"), end: day("2026-11-30") }
    }

    #[test]
    fn spending_goes_on_as_it_did() {
        let today = day("2026-11-10");
        assert_eq!(projected(10_000, november(), today), 30_000);
        assert_eq!(projected(10_000, november(), day("2026-12-01")), 10_000, "it is over");
        assert_eq!(projected(-300, november(), today), -900, "refunds too");
        assert_eq!(projected(i64::MAX, november(), today), i64::MAX);
        let out = |spent, budgeted| runs_out_on(spent, budgeted, november(), today).map(|it| it.to_string());
        assert_eq!(out(10_000, 20_000).as_deref(), Some("2026-11-20"));
        assert_eq!(out(10_000, 10_001).as_deref(), Some("2026-11-11"));
        assert_eq!(out(10_000, 30_000).as_deref(), Some("2026-11-30"));
        assert_eq!(out(10_000, 30_001), None, "not in this period");
        assert_eq!((out(10_000, 10_000), out(0, 100), out(-5, 100), out(100, -5)), (None, None, None, None));
    }

    proptest! {
        #[test]
        fn the_day_is_the_first_that_reaches_it(spent in 1_i64..1_000_000, budgeted in 1_i64..1_000_000, gone in 1_u64..30) {
            let period = november();
            let today = period.start + Days::new(gone - 1);
            // By the end of the n-th day, in hundredths of minor units times days gone.
            let by = |n: u64| i128::from(spent) * i128::from(n);
            let needed = i128::from(budgeted) * i128::from(gone);
            match runs_out_on(spent, budgeted, period, today) {
                Some(out) => {
                    let number = u64::try_from((out - period.start).num_days()).expect("a number") + 1;
                    prop_assert!(out > today && by(number) >= needed && by(number - 1) < needed);
                }
                None => prop_assert!(spent >= budgeted || by(30) < needed),
            }
        }
    }
}
