//! Maintains the references from budgets to categories, which the ledger stores.
//!
//! The ledger does not delete a category while a budget references it. A change of a budget's
//! categories takes four steps:
//!
//! 1. It stores a reference update with a new generation.
//! 2. It adds references to the new categories in the ledger.
//! 3. It commits the budget, provided that the reference update is still open.
//! 4. It closes the reference update and replaces the references by the budget's categories.
//!
//! If step 4 fails, a job does it later. No transaction is open during a call to the ledger; by
//! the generation the ledger recognizes requests that arrive late.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_proto::ledger::v1 as pb;
use kit_core::error::{FieldCode, FieldViolation, ProblemCode, RpcError};
use kit_service::use_case::{Actor, EntityChange};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{BudgetUseCases, service_actor};
use crate::domain::budget::CategoryInput;
use crate::error::Error;
use crate::store::budgets;
use crate::store::category_reference_updates::{self as updates, ReferenceUpdate};

/// The time after which a change that took too long may be repeated.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The age at which a job completes a reference update.
const JOB_DELAY: TimeDelta = TimeDelta::minutes(1);
/// The maximum number of reference updates that the job reads at once.
const MAX_UPDATES_PER_READ: i64 = 100;

/// The result of checking the categories that a client sent for a budget.
#[derive(Debug, Default)]
pub(super) struct CategoryCheck {
    /// The categories that cannot be used, each with the violation.
    pub rejected: Vec<(Uuid, FieldViolation)>,
    /// The other categories, each with the one that it was merged into, or itself.
    live_ids: HashMap<Uuid, Uuid>,
}

impl CategoryCheck {
    /// Replaces merged categories by those that they were merged into.
    pub(super) fn replace_merged(&self, input: &mut CategoryInput) {
        for text in input.category_id.iter_mut().chain(&mut input.category_ids) {
            if let Some(live) = Uuid::parse_str(text.trim()).ok().and_then(|id| self.live_ids.get(&id)) {
                *text = live.to_string();
            }
        }
    }

    /// Returns the violations of categories that are new to a budget.
    /// The budget may keep its `current` categories.
    pub(super) fn violations_except(self, current: &[Uuid]) -> Vec<FieldViolation> {
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

    /// Adds references to the categories in `input` and checks that they are usable.
    pub(super) async fn reference_categories(
        &self,
        update: ReferenceUpdate,
        input: &CategoryInput,
    ) -> Result<CategoryCheck, Error> {
        let parse = |(field, text): (String, &str)| Some((field, Uuid::parse_str(text.trim()).ok()?));
        let named: Vec<_> = input.with_field_names().into_iter().filter_map(parse).collect();
        let ids: Vec<_> = named.iter().map(|(_, id)| *id).collect();
        let found = self.set_references(update, &ids, None).await?;
        let found: HashMap<_, _> = found.iter().map(|category| (category.id.as_str(), category)).collect();
        let mut check = CategoryCheck::default();
        for (field, id) in named {
            let rejected = match found.get(id.to_string().as_str()) {
                Some(category) if category.r#type == "expense" => {
                    if let Ok(live) = Uuid::parse_str(&category.live_id) {
                        check.live_ids.insert(id, live);
                    }
                    continue;
                }
                Some(_) => {
                    let text = "The category must be of type expense. Send another one.";
                    FieldViolation::new(field, FieldCode::CategoryTypeMismatch, text)
                }
                None => CategoryInput::not_found(&field),
            };
            check.rejected.push((id, rejected));
        }
        Ok(check)
    }

    /// Completes a reference update; a job does it later if the ledger is unavailable.
    pub(super) async fn complete_reference_update_now(&self, update: ReferenceUpdate) {
        if let Err(error) = self.complete_reference_update(update).await {
            let ReferenceUpdate { household_id, budget_id, .. } = update;
            tracing::warn!(%household_id, %budget_id, %error, "category references could not be updated yet");
        }
    }

    /// Locks an open reference update until the transaction ends.
    /// Fails if a job has closed it.
    pub(super) async fn lock_open_update(
        &self,
        connection: &mut PgConnection,
        update: ReferenceUpdate,
    ) -> Result<(), Error> {
        if updates::lock_open(connection, update).await? {
            return Ok(());
        }
        Err(RpcError::from(ProblemCode::Overloaded).retry_after(RETRY_DELAY).into())
    }

    /// Closes a reference update and sends the budget's categories to the ledger.
    /// Replaces categories that were merged since the change read them.
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
        let mut transaction = self.begin(service_actor(household_id)).await?;
        self.replace_merged_categories(&mut transaction, household_id, &merges).await?;
        updates::delete(&mut transaction, closed.update).await?;
        transaction.commit().await
    }

    /// Replaces merged categories, given as (from, to), in all budgets.
    pub(super) async fn replace_merged_categories(
        &self,
        connection: &mut PgConnection,
        household_id: Uuid,
        merges: &[(Uuid, Uuid)],
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let changed = budgets::replace_categories(connection, household_id, merges, now).await?;
        let Actor { user_id, origin, household_id } = service_actor(household_id);
        for (entity_id, version) in changed {
            let (entity, kind, changed) = ("budget", "updated", &["category_ids"][..]);
            let change = EntityChange { household_id, user_id, entity, entity_id, version, kind, changed };
            self.record_change(connection, change, &origin).await?;
        }
        Ok(())
    }

    async fn set_references(
        &self,
        update: ReferenceUpdate,
        category_ids: &[Uuid],
        remove_to_generation: Option<i64>,
    ) -> Result<Vec<pb::ResolvedCategory>, Error> {
        let request = pb::SetCategoryReferencesRequest {
            household_id: update.household_id.to_string(),
            kind: "budget".to_owned(),
            entity_id: update.budget_id.to_string(),
            category_ids: category_ids.iter().map(Uuid::to_string).collect(),
            generation: update.generation,
            remove_to_generation,
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
