use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A rule that allows or denies requests from a network.
#[derive(Serialize, ToSchema)]
#[schema(as = IpRule)]
pub struct IpRuleResponse {
    #[schema(format = Uuid)]
    id: String,
    /// The action for requests from the network: `allow` or `deny`.
    #[schema(example = "deny")]
    action: String,
    /// The network in CIDR notation.
    #[schema(example = "198.51.100.0/24")]
    cidr: String,
    /// The user to whom the rule applies; null: all users.
    #[schema(format = Uuid)]
    user_id: Option<String>,
    /// A note for administrators; null: none.
    #[schema(example = "Scans since Tuesday")]
    note: Option<String>,
    created_at: Option<DateTime<Utc>>,
}

impl From<pb::IpRule> for IpRuleResponse {
    fn from(rule: pb::IpRule) -> Self {
        let non_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: rule.id,
            action: rule.action,
            cidr: rule.cidr,
            user_id: non_empty(rule.user_id),
            note: non_empty(rule.note),
            created_at: rule.created_at.and_then(to_datetime),
        }
    }
}
