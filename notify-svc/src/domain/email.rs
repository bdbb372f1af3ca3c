use uuid::Uuid;

use super::kind::NotificationKind;

/// A queued email.
#[derive(Debug, Clone)]
pub struct Email {
    /// The id, also used in the Message-ID.
    pub id: Uuid,
    pub user_id: Uuid,
    pub kind: NotificationKind,
    /// The challenge, user, device or notification that the email is about.
    pub subject_id: Uuid,
    /// The number of failed deliveries.
    pub attempts: i32,
}
