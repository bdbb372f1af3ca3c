//! Updates a budget.
//!
//! Amount, categories and rollover apply from the current period on.

use fintrac_money::Household;
use kit_service::use_case::WriteContext;
use uuid::Uuid;

use super::evaluate_budgets::request_evaluations;
use super::reference_categories::CategoryCheck;
use super::{BudgetUseCases, merge_violations};
use crate::domain::budget::{Budget, BudgetChanges};
use crate::error::Error;
use crate::store::budgets;
use crate::store::category_reference_updates::ReferenceUpdate;

/// The parameters of [`BudgetUseCases::update_budget`], without the changes.
struct UpdateContext<'a> {
    ctx: &'a WriteContext<Budget>,
    household: Household,
    budget_id: Uuid,
    expected_version: Option<i64>,
    /// The category references in progress, if the categories change.
    reference_update: Option<ReferenceUpdate>,
}

impl BudgetUseCases {
    pub async fn update_budget(
        &self,
        ctx: &WriteContext<Budget>,
        budget_id: Uuid,
        changes: BudgetChanges,
        expected_version: Option<i64>,
    ) -> Result<Budget, Error> {
        let household_id = ctx.principal.household_id;
        let household = self.households.get(household_id).await?;
        let reference_update = match &changes.categories {
            Some(_) => Some(self.begin_reference_update(household_id, budget_id).await?),
            None => None,
        };
        let context = UpdateContext { ctx, household, budget_id, expected_version, reference_update };
        let result = self.apply_changes(context, changes).await;
        if let Some(reference_update) = reference_update {
            self.complete_reference_update_now(reference_update).await;
        }
        result
    }

    async fn apply_changes(
        &self,
        context: UpdateContext<'_>,
        mut changes: BudgetChanges,
    ) -> Result<Budget, Error> {
        let UpdateContext { ctx, household, budget_id, expected_version, reference_update } = context;
        let household_id = household.id;
        let check = match (&changes.categories, reference_update) {
            (Some(input), Some(reference_update)) => self.reference_categories(reference_update, input).await,
            _ => Ok(CategoryCheck::default()),
        };
        let now = self.clock.now();
        let mut transaction = self.begin_idempotent(ctx).await?;
        if let Some(reference_update) = reference_update {
            self.lock_open_update(&mut transaction, reference_update).await?;
        }
        let check = check?;
        if let Some(input) = &mut changes.categories {
            check.replace_merged(input);
        }
        budgets::lock(&mut transaction, household_id, &[budget_id]).await?;
        let before = budgets::find(&mut transaction, household_id, budget_id).await?;
        let before = before.ok_or_else(|| Error::not_found("budget"))?;
        Error::check_version(expected_version, before.version)?;
        let (after, changed) = merge_violations(
            changes.apply(&before, household.today(now), now),
            check.violations_except(&before.terms.category_ids),
        )?;
        if !changed.is_empty() {
            budgets::update(&mut transaction, household_id, &after).await?;
            transaction.record("budget", budget_id, after.version, "updated", &changed).await?;
            request_evaluations(&mut transaction, &[household_id], now).await?;
        }
        transaction.commit_with(after).await
    }
}
