//! Applies auth-svc's events: changed time zones.

use std::collections::BTreeSet;
use std::sync::Arc;

use fintrac_kit::events::{Handler, HandlerError};
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;
use tonic::Code;
use uuid::Uuid;

use super::LedgerUseCases;
use super::provision_household::parse_household;
use crate::store::{households, recurring};
use fintrac_money::Household;

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
        let ids: BTreeSet<_> = changed.map(|event| event.household_id.clone()).collect();
        let mut households = Vec::new();
        for household_id in ids {
            match self.0.auth.clone().get_household(pb::GetHouseholdRequest { household_id }).await {
                Ok(response) => {
                    let fetched = response.into_inner().household.unwrap_or_default();
                    households.push(
                        parse_household(&fetched)
                            .map_err(|error| HandlerError::Permanent(error.to_string()))?,
                    );
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
            self.0.households.invalidate(&id);
        }
    }
}
