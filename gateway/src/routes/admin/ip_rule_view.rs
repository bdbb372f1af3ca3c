use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::wire::instant;

/// Whether a network may call.
#[derive(Serialize, ToSchema)]
#[schema(as = IpRule)]
pub struct IpRuleView {
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

impl From<pb::IpRule> for IpRuleView {
    fn from(rule: pb::IpRule) -> Self {
        let filled = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: rule.id,
            action: rule.action,
            cidr: rule.cidr,
            user_id: filled(rule.user_id),
            note: filled(rule.note),
            created_at: rule.created_at.and_then(instant),
        }
    }
}
