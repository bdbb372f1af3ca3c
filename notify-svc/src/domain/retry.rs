//! When an email that could not be delivered is tried again.

use chrono::TimeDelta;

/// The delay after the `failures`-th failure; `None`: it is dead.
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
