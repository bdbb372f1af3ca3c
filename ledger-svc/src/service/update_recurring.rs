//! Updates, pauses, resumes, skips and deletes recurring transactions.

use chrono::NaiveDate;
use fintrac_kit::access::RequestContext;
use fintrac_kit::error::ProblemCode;
use fintrac_kit::idempotency::{IdempotentResult, Key};
use fintrac_money::Household;
use sqlx::PgConnection;
use uuid::Uuid;

use super::create_recurring::earliest_start;
use super::{Encode, LedgerUseCases};
use crate::domain::posting::Rejection;
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
        ctx: &RequestContext,
        id: Uuid,
        (changes, schedule): (TransactionChanges, ScheduleChanges),
        expected_version: Option<i64>,
        (key, encode): (Option<Key>, Encode<Recurring>),
    ) -> Result<IdempotentResult<Recurring>, Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.pool.begin().await?;
        if let Some(response) = self.claim_key(&mut transaction, key.as_ref()).await? {
            return Ok(IdempotentResult::Replayed(response));
        }
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
            return Ok(IdempotentResult::New(before));
        }
        self.save_recurring(&mut transaction, ctx, &mut after, "updated").await?;
        let saved = self.commit_with(transaction, (key, encode), after).await?;
        self.job_signal.wake();
        Ok(saved)
    }

    pub async fn apply_recurring_action(
        &self,
        ctx: &RequestContext,
        id: Uuid,
        action: RecurringAction,
        expected_version: Option<i64>,
        (key, encode): (Option<Key>, Encode<Recurring>),
    ) -> Result<IdempotentResult<Recurring>, Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.pool.begin().await?;
        if let Some(response) = self.claim_key(&mut transaction, key.as_ref()).await? {
            return Ok(IdempotentResult::Replayed(response));
        }
        let mut recurring = lock_current(&mut transaction, &household, id, expected_version).await?;
        let Some(next) = recurring.next else { return Err(ProblemCode::RecurringCompleted.into()) };
        match (action, recurring.status) {
            (RecurringAction::Pause, RecurringStatus::Paused)
            | (RecurringAction::Resume, RecurringStatus::Active) => {
                return Ok(IdempotentResult::New(recurring));
            }
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
        self.save_recurring(&mut transaction, ctx, &mut recurring, action.event_kind()).await?;
        let saved = self.commit_with(transaction, (key, encode), recurring).await?;
        self.job_signal.wake();
        Ok(saved)
    }

    /// Deletes a recurring transaction; its posted transactions remain.
    pub async fn delete_recurring(
        &self,
        ctx: &RequestContext,
        id: Uuid,
        expected_version: Option<i64>,
        key: Option<Key>,
    ) -> Result<(), Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.pool.begin().await?;
        if self.claim_key(&mut transaction, key.as_ref()).await?.is_some() {
            return Ok(());
        }
        let mut recurring = lock_current(&mut transaction, &household, id, expected_version).await?;
        recurring.deleted_at = Some(self.clock.now());
        self.save_recurring(&mut transaction, ctx, &mut recurring, "deleted").await?;
        self.commit(transaction, key.as_ref(), Vec::new()).await
    }

    /// Pauses the recurring transactions of a closed account and records it.
    pub(super) async fn pause_recurring_on(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        household_id: Uuid,
        account_id: Uuid,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        for (_, entity_id, version) in
            recurring::pause_for_accounts(connection, &[(household_id, account_id)], now).await?
        {
            self.record(connection, ctx, ("recurring", entity_id, version), "failed", &[]).await?;
        }
        Ok(())
    }

    /// Saves the next version of a recurring transaction and records it.
    async fn save_recurring(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        recurring: &mut Recurring,
        kind: &'static str,
    ) -> Result<(), sqlx::Error> {
        recurring.version += 1;
        recurring.updated_at = self.clock.now();
        recurring::save(connection, recurring).await?;
        self.record(connection, ctx, ("recurring", recurring.id, recurring.version), kind, &[]).await
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
    Rejection::check_version(expected_version, found.version)?;
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
