use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A user, as shown to administrators.
#[derive(Serialize, ToSchema)]
#[schema(as = ManagedUser)]
pub struct ManagedUserResponse {
    #[schema(format = Uuid)]
    id: String,
    #[schema(example = "ana@example.com")]
    email: String,
    /// The username; null: none.
    #[schema(example = "ana.gil")]
    username: Option<String>,
    #[schema(example = "Ana")]
    first_name: String,
    #[schema(example = "Gil")]
    last_name: String,
    /// The status: `unverified`, `active`, `locked`, `pending_deletion` or `erased`.
    #[schema(example = "active")]
    status: String,
    /// The names of the roles.
    #[schema(example = json!(["user"]))]
    roles: Vec<String>,
    /// Whether a second factor is enabled.
    mfa_enabled: bool,
    /// The number of sessions that have not ended.
    open_sessions: i32,
    created_at: Option<DateTime<Utc>>,
    /// The time at which the user was last seen; null: never.
    last_seen_at: Option<DateTime<Utc>>,
    /// The time of the lock; null: not locked.
    locked_at: Option<DateTime<Utc>>,
    /// The planned time of erasure, also after it; null unless deletion was requested.
    erased_at: Option<DateTime<Utc>>,
}

impl From<pb::ManagedUser> for ManagedUserResponse {
    fn from(user: pb::ManagedUser) -> Self {
        Self {
            id: user.id,
            email: user.email,
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            status: user.status,
            roles: user.roles,
            mfa_enabled: user.mfa_enabled,
            open_sessions: user.open_sessions,
            created_at: user.created_at.and_then(to_datetime),
            last_seen_at: user.last_seen_at.and_then(to_datetime),
            locked_at: user.locked_at.and_then(to_datetime),
            erased_at: user.erased_at.and_then(to_datetime),
        }
    }
}
