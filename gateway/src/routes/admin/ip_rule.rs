use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// Whether a network may call.
#[derive(Serialize, ToSchema)]
#[schema(as = IpRule)]
pub struct IpRuleResponse {
    #[schema(format = Uuid)]
    id: String,
    /// allow, deny.
    #[schema(example = "deny")]
    action: String,
    #[schema(example = "198.51.100.0/24")]
    cidr: String,
    /// Null: for everybody.
    #[schema(format = Uuid)]
    user_id: Option<String>,
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
