//! Updates, pauses, resumes, skips and deletes recurring transactions.

use chrono::NaiveDate;
use fintrac_money::Household;
use kit_core::error::ProblemCode;
use kit_service::use_case::{WriteContext, WriteTransaction};
use sqlx::PgConnection;
use uuid::Uuid;

use super::LedgerUseCases;
use super::create_recurring::earliest_start;
use crate::domain::recurring::{Recurring, RecurringStatus};
use crate::domain::schedule::{Schedule, ScheduleChanges};
use crate::domain::transaction::{TransactionChanges, TransactionInput};
use crate::error::Error;
use crate::store::{households, recurring};

/// An action of a user on a recurring transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecurringAction {
    Pause,
    Resume,
    /// Skips the next occurrence.
    Skip,
}

impl RecurringAction {
    fn event_kind(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Skip => "skipped",
        }
    }
}

impl LedgerUseCases {
    pub async fn update_recurring(
        &self,
        ctx: &WriteContext<Recurring>,
        id: Uuid,
        (changes, schedule): (TransactionChanges, ScheduleChanges),
        expected_version: Option<i64>,
    ) -> Result<Recurring, Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.begin_idempotent(ctx).await?;
        // The lock keeps the template's categories from being deleted meanwhile.
        households::lock(&mut transaction, &[household.id]).await?;
        let before = lock_current(&mut transaction, &household, id, expected_version).await?;
        let mut violations = Vec::new();
        let mut after = before.clone();
        let template =
            TransactionInput { transaction_date: None, ..changes.apply_to(before.template.clone()) };
        if template != before.template {
            match self.resolve_template(&mut transaction, household, template).await? {
                Ok(template) => after.template = template,
                Err(rejected) => violations.extend(rejected),
            }
        }
        let today = household.today(self.clock.now());
        let (start, since) = (before.schedule.start, earliest_start(today).min(before.schedule.start));
        let new_schedule = schedule.apply_to(&before.schedule);
        let resolve = move || {
            let new_schedule = new_schedule.resolve(start, since, &mut violations);
            (new_schedule, violations)
        };
        let (new_schedule, violations) = self.compute_pool.run(resolve).await?;
        let Some(new_schedule) = new_schedule.filter(|_| violations.is_empty()) else {
            return Err(violations.into());
        };
        let Schedule { prior_occurrences, effective_from, .. } = before.schedule;
        let new_schedule = Schedule { prior_occurrences, effective_from, ..new_schedule };
        if new_schedule != before.schedule {
            after.schedule = new_schedule;
            after.status = if before.status == RecurringStatus::Completed {
                RecurringStatus::Active
            } else {
                before.status
            };
            after.reschedule(&before, today);
        }
        if after.template == before.template && after.schedule == before.schedule {
            return Ok(before);
        }
        self.save_recurring(&mut transaction, &mut after, "updated").await?;
        transaction.commit_with(after).await
    }

    pub async fn apply_recurring_action(
        &self,
        ctx: &WriteContext<Recurring>,
        id: Uuid,
        action: RecurringAction,
        expected_version: Option<i64>,
    ) -> Result<Recurring, Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.begin_idempotent(ctx).await?;
        let mut recurring = lock_current(&mut transaction, &household, id, expected_version).await?;
        let Some(next) = recurring.next else { return Err(ProblemCode::RecurringCompleted.into()) };
        match (action, recurring.status) {
            (RecurringAction::Pause, RecurringStatus::Paused)
            | (RecurringAction::Resume, RecurringStatus::Active) => return Ok(recurring),
            (RecurringAction::Pause, _) => recurring.status = RecurringStatus::Paused,
            (RecurringAction::Resume, _) => {
                recurring.status = RecurringStatus::Active;
                // After a failure, missed occurrences are posted; after a user's pause, they are not.
                if recurring.paused_reason.take().is_none() {
                    recurring.advance_to(next, household.today(self.clock.now()));
                }
            }
            (RecurringAction::Skip, _) => recurring.advance_past(next),
        }
        self.save_recurring(&mut transaction, &mut recurring, action.event_kind()).await?;
        transaction.commit_with(recurring).await
    }

    /// Deletes a recurring transaction; its posted transactions remain.
    pub async fn delete_recurring(
        &self,
        ctx: &WriteContext<()>,
        id: Uuid,
        expected_version: Option<i64>,
    ) -> Result<(), Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.begin_idempotent(ctx).await?;
        let mut recurring = lock_current(&mut transaction, &household, id, expected_version).await?;
        recurring.deleted_at = Some(self.clock.now());
        self.save_recurring(&mut transaction, &mut recurring, "deleted").await?;
        transaction.commit().await
    }

    /// Saves the next version of a recurring transaction and records it.
    async fn save_recurring<T>(
        &self,
        transaction: &mut WriteTransaction<T>,
        recurring: &mut Recurring,
        kind: &'static str,
    ) -> Result<(), sqlx::Error> {
        recurring.version += 1;
        recurring.updated_at = self.clock.now();
        recurring::save(transaction, recurring).await?;
        transaction.record("recurring", recurring.id, recurring.version, kind, &[]).await
    }
}

/// Locks and reads a recurring transaction in the expected version.
async fn lock_current(
    connection: &mut PgConnection,
    household: &Household,
    id: Uuid,
    expected_version: Option<i64>,
) -> Result<Recurring, Error> {
    let missing = || Error::not_found("recurring transaction");
    if !recurring::lock(connection, household.id, id).await? {
        return Err(missing());
    }
    let found = recurring::find(connection, household.id, id).await?.ok_or_else(missing)?;
    Error::check_version(expected_version, found.version)?;
    Ok(found)
}

impl Recurring {
    /// Continues with the changed schedule.
    ///
    /// If the days are the same and only the end differs, the next occurrence stays.
    /// Other days begin after the last occurrence and not before today, with the
    /// remaining count.
    fn reschedule(&mut self, before: &Self, today: NaiveDate) {
        let same_days =
            self.schedule.rule == before.schedule.rule && self.schedule.start == before.schedule.start;
        let (from, earliest) = match (before.next.filter(|_| same_days), before.last) {
            (Some(next), _) => (next, NaiveDate::MIN),
            (None, Some(last)) => {
                let dated_later = before.schedule.date_of(last).succ_opt().unwrap_or(today);
                (last.succ_opt().unwrap_or(last), dated_later.max(today))
            }
            (None, None) => (self.schedule.start, today),
        };
        let used = before.schedule.occurrences_before(before.next);
        self.schedule.continue_with(used, from, earliest);
        self.advance_to(from, earliest);
    }
}
