//! Every event of every part ends up in the audit trail, in the transaction that
//! holds its other effects.

use fintrac_kit::events::{Handler, HandlerError};
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;

use crate::store::activity;

/// A handler of the events of `part` that keeps them, too.
#[derive(Debug)]
pub struct KeepActivity<H> {
    pub part: &'static str,
    pub other: H,
}

impl<H: Handler> Handler for KeepActivity<H> {
    type Prepared = H::Prepared;

    async fn prepare(&self, events: &[Event]) -> Result<H::Prepared, HandlerError> {
        self.other.prepare(events).await
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        prepared: H::Prepared,
    ) -> Result<(), HandlerError> {
        activity::insert(connection, self.part, events).await?;
        self.other.apply(connection, events, prepared).await
    }

    fn committed(&self, events: &[Event]) {
        self.other.committed(events);
    }

    async fn given_up(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        activity::insert(connection, self.part, std::slice::from_ref(event)).await?;
        self.other.given_up(connection, event).await
    }

    fn may_give_up(&self, event: &Event) -> bool {
        self.other.may_give_up(event)
    }
}
