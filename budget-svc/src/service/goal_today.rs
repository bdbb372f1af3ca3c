//! A goal as it stands today.

use fintrac_money::Household;

use super::Planning;
use crate::domain::goal::{Goal, Outlook};

/// A goal with where it leads.
#[derive(Debug, Clone)]
pub struct GoalToday {
    pub goal: Goal,
    pub outlook: Outlook,
}

impl Planning {
    pub(super) fn goal_today(&self, household: &Household, goal: Goal) -> GoalToday {
        let (made, today) = (household.today(goal.created_at), household.today(self.clock.now()));
        GoalToday { outlook: Outlook::of(&goal, made, today), goal }
    }
}
