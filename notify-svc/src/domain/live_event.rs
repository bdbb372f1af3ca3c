//! Live events: which changes a household's stream contains, and who may read them.

use fintrac_proto::events::v1::Event;
use uuid::Uuid;

/// The entities of other services whose changes become live events.
const ENTITIES: [&str; 4] = ["transaction", "account", "budget", "goal"];

/// A new version of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityChange {
    pub household_id: Uuid,
    /// The user whom the change concerns; `None` for all members of the household.
    pub user_id: Option<Uuid>,
    pub entity: String,
    pub entity_id: Uuid,
    pub version: i64,
}

/// Lists the changes that events of other services add to the live events.
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

/// Returns the permission to read an entity; `None` if it has no live events.
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
