//! Changes of entities: the audit log and the live events are two views of them.

use fintrac_proto::events::v1::Event;

/// A change of an entity of any service, as it is stored once.
#[derive(Debug, Clone)]
pub struct Change {
    /// The service that owns the entity.
    pub service: &'static str,
    pub event: Event,
    /// Whether the audit log shows the change.
    pub is_audited: bool,
}

impl Change {
    /// Creates a change that the audit log shows.
    pub fn audited(service: &'static str, event: Event) -> Self {
        Self { service, event, is_audited: true }
    }

    /// Creates a change that only live events show, without the client data of its request.
    pub fn unaudited(service: &'static str, event: Event) -> Self {
        let event =
            Event { client_ip: String::new(), user_agent: String::new(), request_id: String::new(), ..event };
        Self { service, event, is_audited: false }
    }

    /// Returns whether the change is a live event of its household.
    pub fn is_live(&self) -> bool {
        !self.event.household_id.is_empty() && permission(&self.event.entity).is_some()
    }
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
