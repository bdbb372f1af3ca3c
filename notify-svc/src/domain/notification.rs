use chrono::{DateTime, Utc};
use fintrac_proto::NotificationKind;
use fintrac_proto::events::v1::Event;
use kit_core::clock::timestamp;
use uuid::Uuid;

use super::change::Change;

/// A notification of a user, with the text that the user received.
#[derive(Debug, Clone)]
pub struct Notification {
    pub id: Uuid,
    pub user_id: Uuid,
    pub household_id: Uuid,
    pub kind: NotificationKind,
    /// The entity that the notification is about, of the type that its kind names.
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
    /// Returns the event of the creation, which only live events show.
    pub fn created(&self, id: Uuid) -> Change {
        let event = Event {
            id: id.to_string(),
            household_id: self.household_id.to_string(),
            user_id: self.user_id.to_string(),
            entity: "notification".to_owned(),
            entity_id: self.id.to_string(),
            version: self.version,
            kind: "created".to_owned(),
            actor: "notify".to_owned(),
            occurred_at: Some(timestamp(self.created_at)),
            ..Event::default()
        };
        Change::unaudited("notify", event)
    }
}
