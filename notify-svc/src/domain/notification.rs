use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::kind::NotificationKind;
use super::live_event::EntityChange;

/// A notification of a user, with the text that the user received.
#[derive(Debug, Clone)]
pub struct Notification {
    pub id: Uuid,
    pub user_id: Uuid,
    pub household_id: Uuid,
    pub kind: NotificationKind,
    /// The entity's type: budget, goal, transaction, recurring, report, user, device.
    pub entity: &'static str,
    pub entity_id: Uuid,
    /// The user's language when the notification was created.
    pub locale: String,
    pub title: String,
    pub body: String,
    /// False if the user receives this kind by email only.
    pub in_inbox: bool,
    pub read_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl Notification {
    /// The live event of the notification; `None` if it is not in the inbox.
    pub fn change(&self) -> Option<EntityChange> {
        self.in_inbox.then(|| EntityChange {
            household_id: self.household_id,
            user_id: Some(self.user_id),
            entity: "notification".to_owned(),
            entity_id: self.id,
            version: self.version,
        })
    }
}

/// Parses the type of the entity that a notification is about.
pub fn entity_from_name(name: &str) -> Option<&'static str> {
    ["budget", "goal", "transaction", "recurring", "report", "user", "device"]
        .into_iter()
        .find(|entity| *entity == name)
}
