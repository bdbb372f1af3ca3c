//! Records the reminders of goals' due dates: 30, 7 and 1 days before, once each.

use chrono::{Days, NaiveDate};
use fintrac_money::Household;
use sqlx::PgConnection;
use uuid::Uuid;

use super::evaluate_budgets::request_evaluations;
use super::{BudgetUseCases, service_actor};
use crate::domain::goal::Goal;
use crate::error::Error;
use crate::store::goals;
use crate::store::reminders::{self, NewReminder};

impl BudgetUseCases {
    /// Records the reminders that are due.
    /// If several reminders of a goal are due, only the one nearest to the due date notifies.
    pub(super) async fn record_reminders(&self, household: &Household) -> Result<(), Error> {
        let now = self.clock.now();
        let today = household.today(now);
        let goal_ids = goals::list_due_soon(&mut *self.pool.acquire().await?, household.id, today).await?;
        if goal_ids.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin(service_actor(household.id)).await?;
        for goal_id in goal_ids {
            // A goal that was completed or cancelled after the query gets no reminder.
            let goal = goals::lock(&mut transaction, household.id, goal_id).await?;
            let Some(goal) = goal.filter(|goal| goal.is_active() && !goal.is_deleted) else { continue };
            let reminders = self.due_reminders(&goal, today, true);
            let new = reminders::insert_new(&mut transaction, household.id, &reminders, now).await?;
            for reminder in
                reminders.iter().filter(|reminder| reminder.is_notified && new.contains(&reminder.id))
            {
                transaction.record("reminder", reminder.id, 1, "goal_deadline", &[]).await?;
            }
        }
        transaction.commit().await
    }

    /// Stores the reminders that are due at once for a new due date, without notifying.
    /// The user who has just set the date needs no reminder.
    pub(super) async fn skip_reminders(
        &self,
        connection: &mut PgConnection,
        household: &Household,
        goal: &Goal,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let passed = self.due_reminders(goal, household.today(now), false);
        reminders::insert_new(connection, household.id, &passed, now).await.map(|_| ())
    }

    fn due_reminders(&self, goal: &Goal, today: NaiveDate, notify: bool) -> Vec<NewReminder> {
        let Some(due_date) = goal.due_date else { return Vec::new() };
        let days: Vec<_> = goal.due_reminders(today).collect();
        let nearest = days.last().copied();
        let left = due_date.signed_duration_since(today).num_days();
        let reminder = |days| NewReminder {
            id: self.new_id(),
            goal_id: goal.id,
            due_date,
            days,
            days_left: i32::try_from(left).unwrap_or_default(),
            is_notified: notify && Some(days) == nearest,
            target: goal.target,
            current: goal.current,
        };
        days.into_iter().map(reminder).collect()
    }
}

/// Requests an evaluation of each household with a goal that is due soon.
pub async fn request_due_goal_evaluations(use_cases: &BudgetUseCases) -> Result<(), sqlx::Error> {
    let now = use_cases.clock.now();
    // The range covers today's date in every time zone.
    let utc_today = now.date_naive();
    let (from, to) = (utc_today - Days::new(1), utc_today + Days::new(31));
    let mut after = Uuid::nil();
    loop {
        let mut connection = use_cases.pool.acquire().await?;
        let households = goals::list_households_with_due_goals(&mut connection, from, to, after).await?;
        let Some(last) = households.last() else { return Ok(()) };
        after = *last;
        request_evaluations(&mut connection, &households, now).await?;
        use_cases.job_signal.wake();
    }
}
