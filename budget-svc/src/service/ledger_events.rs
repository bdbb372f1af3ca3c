//! Handles the ledger's events.
//!
//! They determine which households are evaluated, which transfers are read again, and which
//! categories of budgets are replaced after a merge. They carry no amounts, and none is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fintrac_proto::events::v1::Event;
use fintrac_proto::ledger::v1 as pb;
use kit_events::{Handler, HandlerError};
use sqlx::PgConnection;
use uuid::Uuid;

use super::BudgetUseCases;
use super::evaluate_budgets::request_evaluations;
use super::finish_contribution::GOAL_TRANSFERS;
use crate::error::Error;
use crate::store::contributions;

/// The consumer of the ledger's events.
#[derive(Debug)]
pub struct LedgerEventHandler(pub Arc<BudgetUseCases>);

fn parse_id(text: &str) -> Result<Uuid, HandlerError> {
    Uuid::parse_str(text).map_err(|error| HandlerError::Permanent(error.to_string()))
}

/// Returns whether an event may change spending.
/// Changes of an account itself do not.
fn concerns_budgets(event: &Event) -> bool {
    !event.household_id.is_empty() && event.entity != "account"
}

fn is_merge(event: &Event) -> bool {
    event.entity == "category"
        && event.kind == "deleted"
        && event.changed.iter().any(|field| field == "merged_into")
}

/// Returns whether a transfer must be read again.
/// A new one is known to the request that posted it.
fn concerns_transfers(event: &Event) -> bool {
    event.entity == "transaction" && event.kind != "created"
}

/// The merged categories of each household, each with its target.
type CategoryMerges = Vec<(Uuid, Vec<(Uuid, Uuid)>)>;

impl Handler for LedgerEventHandler {
    type Preparation = CategoryMerges;

    /// Finds the categories that the merged ones were merged into.
    async fn prepare(&self, events: &[Event]) -> Result<CategoryMerges, HandlerError> {
        let mut by_household: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for event in events.iter().filter(|event| is_merge(event)) {
            by_household
                .entry(parse_id(&event.household_id)?)
                .or_default()
                .insert(parse_id(&event.entity_id)?);
        }
        let mut merged = Vec::new();
        for (household_id, category_ids) in by_household {
            let request = pb::FindCategoriesRequest {
                household_id: household_id.to_string(),
                category_ids: category_ids.iter().map(Uuid::to_string).collect(),
            };
            let response = self.0.ledger.clone().find_categories(request).await;
            let response = response.map_err(|status| {
                let error = Error::Upstream("ledger", status);
                let text = error.to_string();
                if error.is_final() { HandlerError::Permanent(text) } else { HandlerError::Transient(text) }
            })?;
            let found = response.into_inner().categories;
            let merges = found.iter().map(|found| Ok((parse_id(&found.id)?, parse_id(&found.live_id)?)));
            merged.push((household_id, merges.collect::<Result<_, HandlerError>>()?));
        }
        Ok(merged)
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        merged: CategoryMerges,
    ) -> Result<(), HandlerError> {
        let now = self.0.clock.now();
        for (household_id, merges) in merged {
            self.0.replace_merged_categories(connection, household_id, &merges).await?;
        }
        let households = events.iter().filter(|event| concerns_budgets(event));
        let households =
            households.map(|event| parse_id(&event.household_id)).collect::<Result<BTreeSet<_>, _>>()?;
        request_evaluations(connection, &households.into_iter().collect::<Vec<_>>(), now).await?;
        let transfers = events.iter().filter(|event| concerns_transfers(event));
        let transfers = transfers
            .map(|event| Ok((parse_id(&event.household_id)?, parse_id(&event.entity_id)?)))
            .collect::<Result<Vec<_>, HandlerError>>()?;
        if !transfers.is_empty() {
            let contributions = contributions::list_with_transfer(connection, &transfers).await?;
            GOAL_TRANSFERS.enqueue(connection, contributions, now).await?;
        }
        Ok(())
    }

    fn on_commit(&self, events: &[Event]) {
        if events.iter().any(is_merge) {
            self.0.event_log_signal.wake();
        }
    }
}
