use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::kind::NotificationKind;
use super::live_event::EntityChange;

/// Something that a user was told.
#[derive(Debug, Clone)]
pub struct Notification {
    pub id: Uuid,
    pub user_id: Uuid,
    pub household_id: Uuid,
    pub kind: NotificationKind,
    /// What it is about: budget, goal, transaction, recurring, report, user, device.
    pub entity: &'static str,
    pub entity_id: Uuid,
    /// The language that the user had then.
    pub locale: String,
    pub title: String,
    pub body: String,
    /// False: the user wants an email only.
    pub in_inbox: bool,
    pub read_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl Notification {
    /// What the event stream tells of it; nothing of what is in no inbox.
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

/// The entities that notifications are about.
pub fn entity_from_name(name: &str) -> Option<&'static str> {
    ["budget", "goal", "transaction", "recurring", "report", "user", "device"]
        .into_iter()
        .find(|entity| *entity == name)
}
