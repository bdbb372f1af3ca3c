//! Copies every event of every service to the audit log.
//!
//! The copy is in the transaction that applies the event's other effects.

use fintrac_kit::events::{Handler, HandlerError};
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;

use crate::store::audit_log;

/// A handler that also records the events of `service` in the audit log.
#[derive(Debug)]
pub struct AuditLog<H> {
    pub service: &'static str,
    pub inner: H,
}

impl<H: Handler> Handler for AuditLog<H> {
    type Preparation = H::Preparation;

    async fn prepare(&self, events: &[Event]) -> Result<H::Preparation, HandlerError> {
        self.inner.prepare(events).await
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        prepared: H::Preparation,
    ) -> Result<(), HandlerError> {
        audit_log::insert(connection, self.service, events).await?;
        self.inner.apply(connection, events, prepared).await
    }

    fn on_commit(&self, events: &[Event]) {
        self.inner.on_commit(events);
    }

    async fn on_dead_letter(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        audit_log::insert(connection, self.service, std::slice::from_ref(event)).await?;
        self.inner.on_dead_letter(connection, event).await
    }

    fn may_dead_letter(&self, event: &Event) -> bool {
        self.inner.may_dead_letter(event)
    }
}
