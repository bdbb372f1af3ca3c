//! Follows the ledger's events: which households' budgets to look at, which
//! transfers to ask about again, which categories budgets name after a merge.
//! They carry no amounts and none is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fintrac_kit::events::{Bell, Handler, HandlerError};
use fintrac_proto::events::v1::Event;
use fintrac_proto::ledger::v1 as pb;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Planning;
use crate::error::Error;
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

fn is_merge(event: &Event) -> bool {
    event.entity == "category"
        && event.kind == "deleted"
        && event.changed.iter().any(|it| it == "merged_into")
}

/// A transfer that is made is asked about by whoever made it.
fn concerns_transfers(event: &Event) -> bool {
    event.entity == "transaction" && event.kind != "created"
}

/// The merged categories of each household with what they were merged into.
type Merges = Vec<(Uuid, Vec<(Uuid, Uuid)>)>;

impl Handler for FollowLedger {
    type Prepared = Merges;

    /// Asks which categories the merged ones lead to.
    async fn prepare(&self, events: &[Event]) -> Result<Merges, HandlerError> {
        let mut of_household: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for event in events.iter().filter(|event| is_merge(event)) {
            of_household.entry(id(&event.household_id)?).or_default().insert(id(&event.entity_id)?);
        }
        let mut merged = Vec::new();
        for (household_id, category_ids) in of_household {
            let request = pb::FindCategoriesRequest {
                household_id: household_id.to_string(),
                category_ids: category_ids.iter().map(Uuid::to_string).collect(),
            };
            let answer = self.planning.ledger.clone().find_categories(request).await;
            let answer = answer.map_err(|status| {
                let error = Error::Part("ledger", status);
                let text = error.to_string();
                if error.is_final() { HandlerError::Poison(text) } else { HandlerError::Transient(text) }
            })?;
            let found = answer.into_inner().categories;
            let merges = found.iter().map(|found| Ok((id(&found.id)?, id(&found.live_id)?)));
            merged.push((household_id, merges.collect::<Result<_, HandlerError>>()?));
        }
        Ok(merged)
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        merged: Merges,
    ) -> Result<(), HandlerError> {
        let now = self.planning.clock.now();
        for (household_id, merges) in merged {
            self.planning.follow_merges(connection, household_id, &merges).await?;
        }
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

    fn committed(&self, events: &[Event]) {
        if events.iter().any(is_merge) {
            self.planning.bell.ring();
        }
        self.planning.looks.ring();
        self.transfers.ring();
    }
}
