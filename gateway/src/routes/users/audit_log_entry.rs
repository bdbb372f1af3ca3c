use chrono::{DateTime, Utc};
use fintrac_proto::notify::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// One state change: who did what to which thing, and whence.
#[derive(Serialize, ToSchema)]
pub struct AuditLogEntry {
    #[schema(format = Uuid)]
    id: String,
    /// The service that it happened in: auth, ledger, budget, notify.
    #[schema(example = "ledger")]
    part: String,
    #[schema(example = "updated")]
    action: String,
    #[schema(example = "account")]
    entity: String,
    #[schema(format = Uuid)]
    entity_id: String,
    /// Of the entity, after the change.
    version: i64,
    /// Names of the fields that changed; never their values.
    #[schema(example = json!(["name"]))]
    changed: Vec<String>,
    /// User id, or the service that did it.
    actor: String,
    /// Whom it concerns.
    #[schema(format = Uuid)]
    user_id: Option<String>,
    #[schema(format = Uuid)]
    household_id: Option<String>,
    #[schema(example = "198.51.100.7")]
    client_ip: Option<String>,
    user_agent: String,
    request_id: String,
    occurred_at: Option<DateTime<Utc>>,
}

impl From<pb::AuditLogEntry> for AuditLogEntry {
    fn from(activity: pb::AuditLogEntry) -> Self {
        let non_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: activity.id,
            part: activity.service,
            action: activity.action,
            entity: activity.entity,
            entity_id: activity.entity_id,
            version: activity.version,
            changed: activity.changed,
            actor: activity.actor,
            user_id: non_empty(activity.user_id),
            household_id: non_empty(activity.household_id),
            client_ip: non_empty(activity.client_ip),
            user_agent: activity.user_agent,
            request_id: activity.request_id,
            occurred_at: activity.occurred_at.and_then(to_datetime),
        }
    }
}
