use chrono::{DateTime, Utc};
use fintrac_proto::notify::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A change, with its author and origin.
#[derive(Serialize, ToSchema)]
pub struct AuditLogEntry {
    #[schema(format = Uuid)]
    id: String,
    /// The service that made the change: `auth`, `ledger`, `budget` or `notify`.
    #[schema(example = "ledger")]
    part: String,
    /// The action, e.g. `created`, `updated` or `deleted`.
    #[schema(example = "updated")]
    action: String,
    /// The type of the entity, e.g. `account`, `transaction` or `user`.
    #[schema(example = "account")]
    entity: String,
    /// The id of the entity.
    #[schema(format = Uuid)]
    entity_id: String,
    /// The version of the entity after the change.
    version: i64,
    /// The names of the fields that changed, never their values.
    #[schema(example = json!(["name"]))]
    changed: Vec<String>,
    /// The user id, or the name of the service that made the change.
    actor: String,
    /// The user whose data was changed; null: none.
    #[schema(format = Uuid)]
    user_id: Option<String>,
    /// The household of the entity; null: none.
    #[schema(format = Uuid)]
    household_id: Option<String>,
    /// The IP address of the request; null: unknown.
    #[schema(example = "198.51.100.7")]
    client_ip: Option<String>,
    /// The `User-Agent` of the request; may be empty.
    user_agent: String,
    /// The id of the request; may be empty.
    request_id: String,
    /// The time of the change.
    occurred_at: Option<DateTime<Utc>>,
}

impl From<pb::AuditLogEntry> for AuditLogEntry {
    fn from(entry: pb::AuditLogEntry) -> Self {
        let non_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: entry.id,
            part: entry.service,
            action: entry.action,
            entity: entry.entity,
            entity_id: entry.entity_id,
            version: entry.version,
            changed: entry.changed,
            actor: entry.actor,
            user_id: non_empty(entry.user_id),
            household_id: non_empty(entry.household_id),
            client_ip: non_empty(entry.client_ip),
            user_agent: entry.user_agent,
            request_id: entry.request_id,
            occurred_at: entry.occurred_at.and_then(to_datetime),
        }
    }
}
