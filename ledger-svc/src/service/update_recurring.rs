//! Updates, pauses, resumes, skips and deletes recurring transactions.

use chrono::NaiveDate;
use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency::{IdempotentResult, Key};
use fintrac_money::Household;
use sqlx::PgConnection;
use uuid::Uuid;

use super::create_recurring::earliest_start;
use super::{EntityChange, LedgerUseCases};
use crate::domain::posting::Rejection;
use crate::domain::recurring::{Recurring, RecurringStatus};
use crate::domain::schedule::{Rule, Schedule, ScheduleInput};
use crate::domain::transaction::{TransactionChanges, TransactionInput};
use crate::error::Error;
use crate::store::{households, recurring};

/// Requested changes of a schedule; an inner `None` clears the field.
#[derive(Debug, Clone, Default)]
pub struct ScheduleChanges {
    pub frequency: Option<Option<String>>,
    pub interval: Option<Option<i64>>,
    pub rrule: Option<Option<String>>,
    pub start_date: Option<Option<String>>,
    pub end_date: Option<Option<String>>,
    pub count: Option<Option<i64>>,
    pub weekend: Option<Option<String>>,
}

impl ScheduleChanges {
    /// Returns the input of the whole changed schedule.
    fn merged_with(&self, current: &Recurring) -> ScheduleInput {
        let schedule = &current.schedule;
        let (frequency, interval, rrule) = match &schedule.rule {
            Rule::Every { frequency, interval } => {
                (Some(frequency.as_str().to_owned()), Some(i64::from(*interval)), None)
            }
            Rule::Rfc(rule) => (None, None, Some(rule.clone())),
        };
        // A new kind of rule replaces the other kind, and so does a new kind of end.
        let is_set = |change: &Option<Option<String>>| matches!(change, Some(Some(_)));
        let (by_rule, by_frequency) = (is_set(&self.rrule), is_set(&self.frequency));
        let counted = matches!(self.count, Some(Some(_)));
        let end = schedule.end.filter(|_| !counted).map(|day| day.to_string());
        let count = schedule.count.filter(|_| !is_set(&self.end_date)).map(i64::from);
        ScheduleInput {
            frequency: self.frequency.clone().unwrap_or(frequency.filter(|_| !by_rule)),
            interval: self.interval.unwrap_or(interval.filter(|_| !by_rule)),
            rrule: self.rrule.clone().unwrap_or(rrule.filter(|_| !by_frequency)),
            start_date: self.start_date.clone().flatten().or_else(|| Some(schedule.start.to_string())),
            end_date: self.end_date.clone().unwrap_or(end),
            count: self.count.unwrap_or(count),
            weekend: self.weekend.clone().flatten().or_else(|| Some(schedule.weekend.as_str().to_owned())),
        }
    }
}

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

type Encode = fn(&Recurring) -> Vec<u8>;

impl LedgerUseCases {
    pub async fn update_recurring(
        &self,
        ctx: &RequestContext,
        id: Uuid,
        (changes, schedule): (TransactionChanges, ScheduleChanges),
        expected_version: Option<i64>,
        (key, encode): (Option<Key>, Encode),
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
            TransactionInput { transaction_date: None, ..changes.apply_to_input(before.template.clone()) };
        if template != before.template {
            match self.resolve_template(&mut transaction, household, template).await? {
                Ok(template) => after.template = template,
                Err(rejected) => violations.extend(rejected),
            }
        }
        let today = household.today(self.clock.now());
        let (start, since) = (before.schedule.start, earliest_start(today).min(before.schedule.start));
        let new_schedule = schedule.merged_with(&before);
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
        after.version += 1;
        after.updated_at = self.clock.now();
        recurring::save(&mut transaction, &after).await?;
        self.record_recurring_change(&mut transaction, ctx, &after, "updated").await?;
        self.commit(transaction, key.as_ref(), encode(&after)).await?;
        self.job_signal.wake();
        Ok(IdempotentResult::New(after))
    }

    pub async fn apply_recurring_action(
        &self,
        ctx: &RequestContext,
        id: Uuid,
        action: RecurringAction,
        expected_version: Option<i64>,
        (key, encode): (Option<Key>, Encode),
    ) -> Result<IdempotentResult<Recurring>, Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.pool.begin().await?;
        if let Some(response) = self.claim_key(&mut transaction, key.as_ref()).await? {
            return Ok(IdempotentResult::Replayed(response));
        }
        let mut recurring = lock_current(&mut transaction, &household, id, expected_version).await?;
        let Some(next) = recurring.next else { return Err(Error::RecurringCompleted) };
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
        recurring.version += 1;
        recurring.updated_at = self.clock.now();
        recurring::save(&mut transaction, &recurring).await?;
        self.record_recurring_change(&mut transaction, ctx, &recurring, action.event_kind()).await?;
        self.commit(transaction, key.as_ref(), encode(&recurring)).await?;
        self.job_signal.wake();
        Ok(IdempotentResult::New(recurring))
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
        recurring.updated_at = self.clock.now();
        recurring.version += 1;
        recurring::save(&mut transaction, &recurring).await?;
        self.record_recurring_change(&mut transaction, ctx, &recurring, "deleted").await?;
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
            let change =
                EntityChange { entity: "recurring", entity_id, version, kind: "failed", changed: &[] };
            self.record(connection, ctx, change).await?;
        }
        Ok(())
    }

    async fn record_recurring_change(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        recurring: &Recurring,
        kind: &'static str,
    ) -> Result<(), sqlx::Error> {
        let (entity_id, version) = (recurring.id, recurring.version);
        self.record(
            connection,
            ctx,
            EntityChange { entity: "recurring", entity_id, version, kind, changed: &[] },
        )
        .await
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
    if expected_version.is_some_and(|version| version != found.version) {
        return Err(Rejection::VersionMismatch.into());
    }
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
