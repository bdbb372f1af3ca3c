//! Keeping up with what auth-svc says of households: their time zone may change,
//! and whoever leaves takes his words along.

use std::collections::BTreeSet;
use std::sync::Arc;

use fintrac_kit::erasure;
use fintrac_kit::events::{Bell, Handler, HandlerError};
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;
use tonic::Code;
use uuid::Uuid;

use super::Ledger;
use super::open_household::household;
use crate::store::{households, recurring};
use fintrac_money::Household;

/// What auth's events do to the ledger; the bell is rung when somebody is to be erased.
#[derive(Debug)]
pub struct FollowHouseholds(pub Arc<Ledger>, pub Bell);

/// Whether a household may have moved to another time zone.
fn moves(event: &Event) -> bool {
    event.entity == "household" && event.kind == "updated"
}

impl Handler for FollowHouseholds {
    type Prepared = Vec<Household>;

    async fn prepare(&self, events: &[Event]) -> Result<Vec<Household>, HandlerError> {
        let changed = events.iter().filter(|event| moves(event));
        let ids: BTreeSet<_> = changed.map(|event| event.household_id.clone()).collect();
        let mut households = Vec::new();
        for household_id in ids {
            match self.0.auth.clone().get_household(pb::GetHouseholdRequest { household_id }).await {
                Ok(answer) => {
                    let facts = answer.into_inner().household.unwrap_or_default();
                    households
                        .push(household(&facts).map_err(|error| HandlerError::Poison(error.to_string()))?);
                }
                Err(status) if status.code() == Code::NotFound => {}
                Err(status) => return Err(status.into()),
            }
        }
        Ok(households)
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        changed: Vec<Household>,
    ) -> Result<(), HandlerError> {
        for household in changed {
            households::set_timezone(connection, &household).await?;
            // The day begins at another time now.
            recurring::set_due_again(connection, household.id).await?;
        }
        for event in events {
            erasure::note_event(connection, event, self.0.clock.now()).await?;
        }
        Ok(())
    }

    fn committed(&self, events: &[Event]) {
        self.1.ring();
        // Another replica finds out when what it remembers is too old.
        let ids = events.iter().filter(|event| moves(event));
        for id in ids.filter_map(|event| Uuid::parse_str(&event.household_id).ok()) {
            self.0.households.invalidate(&id);
        }
    }
}
