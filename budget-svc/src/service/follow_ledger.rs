//! What the ledger's events mean here: whose budgets to look at, and which
//! transfers to ask about again. They carry no amounts and none is kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use fintrac_kit::events::{Bell, Handler, HandlerError};
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Planning;
use crate::store::{contributions, looks};

/// Digests the ledger's events.
#[derive(Debug)]
pub struct FollowLedger {
    pub planning: Arc<Planning>,
    /// Rung when contributions are due.
    pub transfers: Bell,
}

fn id(text: &str) -> Result<Uuid, HandlerError> {
    Uuid::parse_str(text).map_err(|error| HandlerError::Poison(error.to_string()))
}

/// An account's own changes spend nothing.
fn concerns_budgets(event: &Event) -> bool {
    !event.household_id.is_empty() && event.entity != "account"
}

/// A transfer that is made is asked about by whoever made it.
fn concerns_transfers(event: &Event) -> bool {
    event.entity == "transaction" && event.kind != "created"
}

impl Handler for FollowLedger {
    type Prepared = ();

    async fn prepare(&self, _events: &[Event]) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        (): (),
    ) -> Result<(), HandlerError> {
        let now = self.planning.clock.now();
        let households = events.iter().filter(|event| concerns_budgets(event));
        let households =
            households.map(|event| id(&event.household_id)).collect::<Result<BTreeSet<_>, _>>()?;
        looks::mark(connection, &households.into_iter().collect::<Vec<_>>(), now).await?;
        let transfers = events.iter().filter(|event| concerns_transfers(event));
        let transfers = transfers
            .map(|event| Ok((id(&event.household_id)?, id(&event.entity_id)?)))
            .collect::<Result<BTreeSet<_>, HandlerError>>()?;
        if !transfers.is_empty() {
            contributions::mark(connection, &transfers.into_iter().collect::<Vec<_>>(), now).await?;
        }
        Ok(())
    }

    fn committed(&self, _events: &[Event]) {
        self.planning.looks.ring();
        self.transfers.ring();
    }
}
