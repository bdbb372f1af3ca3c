use uuid::Uuid;

use super::kind::NotificationKind;

/// An email that is due.
#[derive(Debug, Clone)]
pub struct Email {
    /// Also its Message-ID.
    pub id: Uuid,
    pub user_id: Uuid,
    pub kind: NotificationKind,
    /// The challenge, the user or the notification that it is about.
    pub subject_id: Uuid,
    /// Failed deliveries so far.
    pub attempts: i32,
}
