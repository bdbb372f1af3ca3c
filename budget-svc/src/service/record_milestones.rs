//! Records the milestones of a goal, once each.

use kit_service::use_case::WriteTransaction;
use uuid::Uuid;

use super::BudgetUseCases;
use crate::domain::alert::FULL_PERCENT;
use crate::domain::goal::Goal;
use crate::store::milestones::{self, NewMilestone};

impl BudgetUseCases {
    /// Stores the milestones that are reached; the highest notifies if it is new.
    /// The goal must be locked. For a cancelled or deleted goal nothing is stored.
    pub(super) async fn record_milestones<T>(
        &self,
        transaction: &mut WriteTransaction<T>,
        household_id: Uuid,
        goal: &Goal,
    ) -> Result<(), sqlx::Error> {
        let reached: Vec<_> = goal.reached().collect();
        let highest = reached.last().copied();
        let milestone =
            |percent| NewMilestone { id: self.new_id(), percent, is_notified: Some(percent) == highest };
        let reached: Vec<_> = reached.into_iter().map(milestone).collect();
        if reached.is_empty() || goal.is_deleted || goal.cancelled_at.is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        let new = milestones::insert_new(transaction, household_id, goal, &reached, now).await?;
        for milestone in
            reached.iter().filter(|milestone| milestone.is_notified && new.contains(&milestone.id))
        {
            let kind = if milestone.percent >= FULL_PERCENT { "goal_reached" } else { "goal_milestone" };
            transaction.record("milestone", milestone.id, 1, kind, &[]).await?;
        }
        Ok(())
    }
}
