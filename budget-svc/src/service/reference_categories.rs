//! References from budgets to categories, stored in the ledger.
//!
//! A category cannot be deleted while a budget references it.
//!
//! A change of a budget's categories stores an update, adds the references in the ledger, and
//! commits while the update is open. Then the update is closed and the result sent to the ledger.
//! After a failure, a job does that. No transaction is open during a call: generations order the
//! messages.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use fintrac_kit::error::FieldViolation;
use fintrac_proto::ledger::v1 as pb;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Actor, BudgetUseCases, EntityChange};
use crate::domain::budget::CategoryInput;
use crate::error::Error;
use crate::store::budgets;
use crate::store::category_reference_updates::{self as updates, ReferenceUpdate};

/// The time for a change before a job completes its update.
const JOB_DELAY: TimeDelta = TimeDelta::minutes(1);
/// The number of updates that the job reads at once.
const MAX_UPDATES_PER_READ: i64 = 100;

/// The result of checking the categories named for a budget.
#[derive(Debug, Default)]
pub(super) struct CategoryCheck {
    /// The categories that cannot be used, each with the violation.
    pub rejected: Vec<(Uuid, FieldViolation)>,
    /// The other categories, each with the one it was merged into, or itself.
    live: HashMap<Uuid, Uuid>,
}

impl CategoryCheck {
    /// Replaces merged categories by those that they were merged into.
    pub(super) fn follow_merges(&self, input: &mut CategoryInput) {
        for text in input.one.iter_mut().chain(&mut input.list) {
            if let Some(live) = Uuid::parse_str(text.trim()).ok().and_then(|id| self.live.get(&id)) {
                *text = live.to_string();
            }
        }
    }

    /// Returns the violations of categories that are not in `current`.
    pub(super) fn rejected_except(self, current: &[Uuid]) -> Vec<FieldViolation> {
        let new = self.rejected.into_iter().filter(|(id, _)| !current.contains(id));
        new.map(|(_, violation)| violation).collect()
    }
}

impl BudgetUseCases {
    /// Begins an update of a budget's references.
    pub(super) async fn begin_reference_update(
        &self,
        household_id: Uuid,
        budget_id: Uuid,
    ) -> Result<ReferenceUpdate, Error> {
        let due_at = self.clock.now() + JOB_DELAY;
        let mut transaction = self.pool.begin().await?;
        let update = updates::insert(&mut transaction, household_id, budget_id, due_at).await?;
        transaction.commit().await?;
        Ok(update)
    }

    /// Adds references to the categories named and checks that a budget can have them.
    pub(super) async fn reference_categories(
        &self,
        update: ReferenceUpdate,
        input: &CategoryInput,
    ) -> Result<CategoryCheck, Error> {
        let read = |(field, text): (String, &str)| Some((field, Uuid::parse_str(text.trim()).ok()?));
        let named: Vec<_> = input.with_field_names().into_iter().filter_map(read).collect();
        let ids: Vec<_> = named.iter().map(|(_, id)| *id).collect();
        let found = self.set_references(update, &ids, None).await?;
        let found: HashMap<_, _> = found.iter().map(|category| (category.id.as_str(), category)).collect();
        let mut check = CategoryCheck::default();
        for (field, id) in named {
            let rejected = match found.get(id.to_string().as_str()) {
                Some(category) if category.r#type == "expense" => {
                    if let Ok(live) = Uuid::parse_str(&category.live_id) {
                        check.live.insert(id, live);
                    }
                    continue;
                }
                Some(_) => {
                    let text = "The category must be of type expense. Send another one.";
                    FieldViolation::new(field, "CATEGORY_TYPE_MISMATCH", text)
                }
                None => CategoryInput::not_found(&field),
            };
            check.rejected.push((id, rejected));
        }
        Ok(check)
    }

    /// Completes an update now; a job does it later if the ledger is unavailable.
    pub(super) async fn complete_reference_update_now(&self, update: ReferenceUpdate) {
        if let Err(error) = self.complete_reference_update(update).await {
            let ReferenceUpdate { household_id, budget_id, .. } = update;
            tracing::warn!(%household_id, %budget_id, %error, "category references are updated later");
        }
    }

    /// Keeps an update open until the transaction ends.
    pub(super) async fn hold_open(
        &self,
        connection: &mut PgConnection,
        update: ReferenceUpdate,
    ) -> Result<(), Error> {
        // A job closes the update if the change takes too long.
        if updates::hold_open(connection, update).await? { Ok(()) } else { Err(Error::Overloaded) }
    }

    /// Sends the categories of a budget to the ledger.
    /// Follows merges that the change did not know of.
    async fn complete_reference_update(&self, update: ReferenceUpdate) -> Result<(), Error> {
        let ReferenceUpdate { household_id, budget_id, .. } = update;
        let due_at = self.clock.now() + JOB_DELAY;
        let mut transaction = self.pool.begin().await?;
        let Some(closed) = updates::close(&mut transaction, update, due_at).await? else { return Ok(()) };
        let budget = budgets::find(&mut transaction, household_id, budget_id).await?;
        transaction.commit().await?;
        let ids = budget.map(|budget| budget.terms.category_ids).unwrap_or_default();
        let found = self.set_references(closed.update, &ids, Some(closed.complete_to)).await?;
        let merges = found.iter().filter_map(|found| {
            let (from, to) = (Uuid::parse_str(&found.id).ok()?, Uuid::parse_str(&found.live_id).ok()?);
            (from != to).then_some((from, to))
        });
        let merges: Vec<_> = merges.collect();
        let mut transaction = self.pool.begin().await?;
        self.follow_merges(&mut transaction, household_id, &merges).await?;
        updates::delete(&mut transaction, closed.update).await?;
        transaction.commit().await?;
        self.wake_signal.wake();
        Ok(())
    }

    /// Replaces merged categories, given as (from, to), in all budgets.
    pub(super) async fn follow_merges(
        &self,
        connection: &mut PgConnection,
        household_id: Uuid,
        merges: &[(Uuid, Uuid)],
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let changed = budgets::replace_categories(connection, household_id, merges, now).await?;
        for (entity_id, version) in changed {
            let changed = &["category_ids"];
            let change = EntityChange { entity: "budget", entity_id, version, kind: "updated", changed };
            self.record(connection, &Actor::service(household_id), change).await?;
        }
        Ok(())
    }

    async fn set_references(
        &self,
        update: ReferenceUpdate,
        category_ids: &[Uuid],
        remove_to: Option<i64>,
    ) -> Result<Vec<pb::ResolvedCategory>, Error> {
        let request = pb::SetCategoryReferencesRequest {
            household_id: update.household_id.to_string(),
            kind: "budget".to_owned(),
            entity_id: update.budget_id.to_string(),
            category_ids: category_ids.iter().map(Uuid::to_string).collect(),
            generation: update.generation,
            remove_to_generation: remove_to,
        };
        let response = self.ledger.clone().set_category_references(request).await;
        Ok(response.map_err(|status| Error::Upstream("ledger", status))?.into_inner().categories)
    }
}

/// Completes the updates that are due, until one fails.
pub async fn complete_reference_updates(use_cases: &Arc<BudgetUseCases>) -> Result<(), Error> {
    let now = use_cases.clock.now();
    loop {
        let due = updates::list_due(&mut *use_cases.pool.acquire().await?, now, MAX_UPDATES_PER_READ).await?;
        if due.is_empty() {
            return Ok(());
        }
        for update in due {
            use_cases.complete_reference_update(update).await?;
        }
    }
}
