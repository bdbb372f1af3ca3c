//! Updates a goal.
//!
//! Milestones that a new target puts out of reach can be reached again, and notify again.

use kit_service::use_case::WriteContext;
use uuid::Uuid;

use super::{BudgetUseCases, GoalStatus, merge_violations};
use crate::domain::goal::GoalChanges;
use crate::error::Error;
use crate::store::{goals, milestones};

impl BudgetUseCases {
    pub async fn update_goal(
        &self,
        ctx: &WriteContext<GoalStatus>,
        goal_id: Uuid,
        changes: GoalChanges,
        expected_version: Option<i64>,
    ) -> Result<GoalStatus, Error> {
        let household_id = ctx.principal.household_id;
        let household = self.households.get(household_id).await?;
        let named = changes.account_id.as_ref().and_then(Option::as_deref);
        let account = self.goal_account(household_id, named).await;
        // The ledger is called before the transaction begins.
        let mut shown = goals::find(&mut *self.pool.acquire().await?, household_id, goal_id).await?;
        if let (Some(goal), Some(_)) = (&mut shown, &changes.account_id) {
            goal.account_id = named.and_then(|text| Uuid::parse_str(text.trim()).ok());
        }
        let unfunded = self.unfunded(household_id, shown.as_slice()).await?;
        let now = self.clock.now();
        let mut transaction = self.begin_idempotent(ctx).await?;
        let before = goals::lock(&mut transaction, household_id, goal_id).await?;
        let before = before.filter(|goal| !goal.is_deleted).ok_or_else(|| Error::not_found("goal"))?;
        Error::check_version(expected_version, before.version)?;
        let current_account = before.account_id.map(|id| id.to_string());
        let (account, rejected) = match account? {
            Ok(currency) => (currency, None),
            // The current account is not checked again.
            Err(_) if current_account.as_deref() == named.map(str::trim) => (None, None),
            Err(violation) => (None, Some(violation)),
        };
        let result = changes.apply(&before, account, now);
        let (after, changed) = merge_violations(result, rejected.into_iter().collect())?;
        if !changed.is_empty() {
            goals::update(&mut transaction, household_id, &after).await?;
            transaction.record("goal", goal_id, after.version, "updated", &changed).await?;
            if before.target != after.target {
                milestones::delete_unreached(&mut transaction, household_id, &after).await?;
            }
            if before.target != after.target || changed.contains(&"status") {
                self.record_milestones(&mut transaction, household_id, &after).await?;
            }
            if before.due_date != after.due_date {
                self.skip_reminders(&mut transaction, &household, &after).await?;
            }
        }
        let after = self.goal_status(&household, after, &unfunded);
        transaction.commit_with(after).await
    }
}
