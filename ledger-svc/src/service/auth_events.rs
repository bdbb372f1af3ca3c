//! Applies auth-svc's events: changed time zones.

use std::collections::BTreeSet;
use std::sync::Arc;

use fintrac_households::HouseholdClient;
use fintrac_money::Household;
use fintrac_proto::events::v1::Event;
use kit_core::error::ProblemCode;
use kit_events::{Handler, HandlerError};
use sqlx::PgConnection;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::error::Error;
use crate::store::{households, recurring};

/// The handler of auth-svc's events.
#[derive(Debug)]
pub struct AuthEventHandler(pub Arc<LedgerUseCases>);

/// Returns whether a household's time zone may have changed.
fn is_household_update(event: &Event) -> bool {
    event.entity == "household" && event.kind == "updated"
}

impl Handler for AuthEventHandler {
    type Preparation = Vec<Household>;

    async fn prepare(&self, events: &[Event]) -> Result<Vec<Household>, HandlerError> {
        let changed = events.iter().filter(|event| is_household_update(event));
        let ids: BTreeSet<_> =
            changed.filter_map(|event| Uuid::parse_str(&event.household_id).ok()).collect();
        let mut households = Vec::new();
        for id in ids {
            let fetched = self.0.households.fetch(id).await;
            match fetched.and_then(|household| HouseholdClient::parse(&household)) {
                Ok(household) => households.push(household),
                Err(error) if error.code() == Some(ProblemCode::NotFound) => {}
                Err(Error::Upstream(_, status)) => return Err(status.into()),
                Err(error) => return Err(HandlerError::Permanent(error.to_string())),
            }
        }
        Ok(households)
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        _events: &[Event],
        changed: Vec<Household>,
    ) -> Result<(), HandlerError> {
        for household in changed {
            households::set_timezone(connection, &household).await?;
            // The time zone decides when an occurrence's day begins.
            recurring::reschedule(connection, household.id).await?;
        }
        Ok(())
    }

    fn on_commit(&self, events: &[Event]) {
        // Other replicas read the new time zone when their cached household expires.
        let ids = events.iter().filter(|event| is_household_update(event));
        for id in ids.filter_map(|event| Uuid::parse_str(&event.household_id).ok()) {
            self.0.households.invalidate(id);
        }
    }
}
