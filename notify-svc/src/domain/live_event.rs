//! What the live events tells.

use fintrac_proto::events::v1::Event;
use uuid::Uuid;

/// What a household may follow.
const ENTITIES: [&str; 4] = ["transaction", "account", "budget", "goal"];

/// Something that is another one than it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityChange {
    pub household_id: Uuid,
    /// Whom it concerns; everybody of the household where there is nobody.
    pub user_id: Option<Uuid>,
    pub entity: String,
    pub entity_id: Uuid,
    pub version: i64,
}

/// What events of other services mean for the event stream.
pub fn changes(events: &[Event]) -> Vec<EntityChange> {
    let change = |event: &Event| {
        Some(EntityChange {
            household_id: Uuid::parse_str(&event.household_id).ok()?,
            user_id: None,
            entity: event.entity.clone(),
            entity_id: Uuid::parse_str(&event.entity_id).ok()?,
            version: event.version,
        })
    };
    events.iter().filter(|event| ENTITIES.contains(&event.entity.as_str())).filter_map(change).collect()
}

/// What reading an entity takes; none of what no event stream tells.
pub fn permission(entity: &str) -> Option<&'static str> {
    match entity {
        "notification" => Some("notifications:read"),
        "transaction" => Some("transactions:read"),
        "account" => Some("accounts:read"),
        "budget" => Some("budgets:read"),
        "goal" => Some("goals:read"),
        _ => None,
    }
}
