use chrono::{DateTime, Utc};
use fintrac_proto::notify::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A notification in the inbox of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
pub struct NotificationResponse {
    #[schema(format = Uuid)]
    id: String,
    /// The kind of notification.
    /// About finances: `budget_threshold`, `budget_exceeded`, `goal_milestone`, `goal_reached`,
    /// `goal_deadline`, `large_transaction`, `recurring_posted`, `recurring_failed` or
    /// `monthly_report`. About the user account: `welcome`, `already_registered`, `password_reset`,
    /// `password_changed`, `email_change`, `email_changed`, `mfa_changed`, `new_device`,
    /// `account_locked`, `account_deletion` or `account_restored`.
    #[schema(example = "budget_threshold")]
    kind: String,
    /// The title, in the language of your preferences at the time of creation.
    #[schema(example = "Food: 80% of the budget is spent")]
    title: String,
    /// The text, in the same language as `title`.
    body: String,
    /// The type of the entity that the notification is about.
    /// One of `budget`, `goal`, `transaction`, `recurring`, `report`, `user` or `device`.
    #[schema(example = "budget")]
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
