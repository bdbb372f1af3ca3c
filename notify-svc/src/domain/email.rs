use chrono::TimeDelta;
use fintrac_proto::NotificationKind;
use uuid::Uuid;

/// A queued email.
#[derive(Debug, Clone)]
pub struct Email {
    /// The id, also used in the Message-ID.
    pub id: Uuid,
    pub user_id: Uuid,
    pub kind: NotificationKind,
    /// The challenge, user, device or notification that the email is about.
    pub subject_id: Uuid,
}

/// The delay before the next attempt after `failures` failures; `None` gives up.
pub fn retry_delay(failures: i32) -> Option<TimeDelta> {
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

    use super::retry_delay;

    #[test]
    fn the_seventh_failure_is_final() {
        assert_eq!(retry_delay(1), Some(TimeDelta::seconds(5)));
        assert_eq!(retry_delay(6), Some(TimeDelta::hours(10)));
        assert_eq!(retry_delay(7), None);
    }
}
