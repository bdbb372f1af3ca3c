use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// Your profile.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserResponse {
    #[schema(format = Uuid)]
    id: String,
    #[schema(example = "ana@example.com")]
    email: String,
    /// The new email address that is not yet verified; null: none.
    #[schema(example = "ana@example.org")]
    pending_email: Option<String>,
    /// The public username; null: none.
    #[schema(example = "ana.gil")]
    username: Option<String>,
    #[schema(example = "Ana")]
    first_name: String,
    #[schema(example = "Gil")]
    last_name: String,
    /// The phone number in international format; null: none.
    #[schema(example = "+34600000000")]
    phone_number: Option<String>,
    /// The id of your household.
    #[schema(format = Uuid)]
    household_id: String,
    /// The names of the roles.
    #[schema(example = json!(["user"]))]
    roles: Vec<String>,
    /// Whether a login requires a second factor.
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
