use kit_access::caller::RequestOrigin;
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_events::NewEvent;
use sqlx::PgConnection;
use uuid::Uuid;

/// A change to record; see [`NewEvent`].
#[derive(Debug, Clone, Copy)]
pub struct EntityChange<'a> {
    /// Household that the entity belongs to, if any.
    pub household_id: Option<Uuid>,
    /// User that the change concerns, if any.
    pub user_id: Option<Uuid>,
    /// Type of the changed entity.
    pub entity: &'static str,
    /// Id of the changed entity.
    pub entity_id: Uuid,
    /// Version of the entity after the change.
    pub version: i64,
    /// Kind of the change.
    pub kind: &'static str,
    /// Names of the changed fields.
    pub changed: &'a [&'a str],
}

/// Records changes in the event log.
#[derive(Debug, Clone)]
pub struct ChangeRecorder {
    pub(super) clock: Clock,
    pub(super) random: Random,
}

impl ChangeRecorder {
    pub(super) async fn record(
        &self,
        connection: &mut PgConnection,
        change: EntityChange<'_>,
        origin: &RequestOrigin,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let event = NewEvent {
            id: self.random.id(now),
            household_id: change.household_id,
            user_id: change.user_id,
            entity: change.entity,
            entity_id: change.entity_id,
            version: change.version,
            kind: change.kind,
            changed: change.changed,
            origin,
            occurred_at: now,
        };
        kit_events::append(connection, &event).await
    }
}
