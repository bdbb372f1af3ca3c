use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// An event that concerns the security of a user account.
#[derive(Serialize, ToSchema)]
pub struct SecurityEvent {
    #[schema(format = Uuid)]
    id: String,
    /// The kind of event: `login_failed`, `password_rejected`, `mfa_rejected`,
    /// `reauthenticated`, `new_device`, `permission_denied`, `ip_address_denied`,
    /// `refresh_token_reused`, `password_changed`, `password_reset`, `email_changed`,
    /// `mfa_enabled`, `mfa_disabled`, `recovery_code_used`, `locked`, `unlocked`, `roles_changed`,
    /// `deletion_requested` or `deletion_cancelled`.
    #[schema(example = "login_failed")]
    kind: String,
    /// The user whom the event concerns; null if no user has the name that was entered.
    #[schema(format = Uuid)]
    user_id: Option<String>,
    /// The id of the session; null: none.
    #[schema(format = Uuid)]
    session_id: Option<String>,
    /// A detail, such as the permission that was denied; null: none.
    detail: Option<String>,
    /// The IP address of the request; null: unknown.
    #[schema(example = "198.51.100.7")]
    client_ip: Option<String>,
    /// The `User-Agent` of the request; may be empty.
    user_agent: String,
    /// The id of the request; may be empty.
    request_id: String,
    occurred_at: Option<DateTime<Utc>>,
}

impl From<pb::SecurityEvent> for SecurityEvent {
    fn from(event: pb::SecurityEvent) -> Self {
        let non_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: event.id,
            kind: event.kind,
            user_id: non_empty(event.user_id),
            session_id: non_empty(event.session_id),
            detail: non_empty(event.detail),
            client_ip: non_empty(event.client_ip),
            user_agent: event.user_agent,
            request_id: event.request_id,
            occurred_at: event.occurred_at.and_then(to_datetime),
        }
    }
}
