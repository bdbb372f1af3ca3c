use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A user as he sees himself.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserResponse {
    #[schema(format = Uuid)]
    id: String,
    #[schema(example = "ana@example.com")]
    email: String,
    /// An address that waits to be confirmed.
    #[schema(example = "ana@example.org")]
    pending_email: Option<String>,
    #[schema(example = "ana.gil")]
    username: Option<String>,
    #[schema(example = "Ana")]
    first_name: String,
    #[schema(example = "Gil")]
    last_name: String,
    #[schema(example = "+34600000000")]
    phone_number: Option<String>,
    /// The household that the session is bound to.
    #[schema(format = Uuid)]
    household_id: String,
    #[schema(example = json!(["user"]))]
    roles: Vec<String>,
    /// Whether logging in needs a second factor.
    mfa_enabled: bool,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<pb::User> for UserResponse {
    fn from(user: pb::User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            pending_email: user.pending_email,
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            phone_number: user.phone_number,
            household_id: user.household_id,
            roles: user.roles,
            mfa_enabled: user.mfa_enabled,
            created_at: user.created_at.and_then(to_datetime),
            updated_at: user.updated_at.and_then(to_datetime),
        }
    }
}
