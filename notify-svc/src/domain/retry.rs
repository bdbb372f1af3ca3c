//! The retry schedule of emails.

use chrono::TimeDelta;

/// The delay before the next attempt after `failures` failures; `None` gives up.
pub fn delay(failures: i32) -> Option<TimeDelta> {
    match failures {
        ..=1 => Some(TimeDelta::seconds(5)),
        2 => Some(TimeDelta::minutes(5)),
        3 => Some(TimeDelta::minutes(30)),
        4 => Some(TimeDelta::hours(2)),
        5 => Some(TimeDelta::hours(5)),
        6 => Some(TimeDelta::hours(10)),
        7.. => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::delay;

    #[test]
    fn the_seventh_failure_is_final() {
        assert_eq!(delay(1), Some(TimeDelta::seconds(5)));
        assert_eq!(delay(6), Some(TimeDelta::hours(10)));
        assert_eq!(delay(7), None);
    }
}
