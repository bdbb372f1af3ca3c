use chrono::{DateTime, Utc};
use fintrac_proto::notify::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::enums;
use crate::routes::http::to_datetime;

/// A notification in the inbox of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
pub struct NotificationResponse {
    #[schema(format = Uuid)]
    id: String,
    #[schema(value_type = enums::InboxKind, inline)]
    kind: String,
    /// The title, in the language of your preferences at the time of creation.
    #[schema(example = "Food: 80% of the budget is spent")]
    title: String,
    /// The text, in the same language as `title`.
    body: String,
    #[schema(value_type = enums::NotificationEntity, inline)]
    entity: String,
    /// The id of the entity.
    #[schema(format = Uuid)]
    entity_id: String,
    created_at: Option<DateTime<Utc>>,
    /// The time at which the notification was marked as read; null: unread.
    read_at: Option<DateTime<Utc>>,
}

impl From<pb::Notification> for NotificationResponse {
    fn from(notification: pb::Notification) -> Self {
        Self {
            id: notification.id,
            kind: notification.kind,
            title: notification.title,
            body: notification.body,
            entity: notification.entity,
            entity_id: notification.entity_id,
            created_at: notification.created_at.and_then(to_datetime),
            read_at: notification.read_at.and_then(to_datetime),
        }
    }
}
