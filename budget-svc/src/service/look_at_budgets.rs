//! Looking at all budgets of a household at once, and telling what spending
//! has reached; and at the due dates of its goals. The looks are asked for by events of the ledger, by changes of
//! budgets and once a day; what fires is decided by the state found, so it does
//! not matter how often or in which order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_kit::jobs::leased::Work;
use sqlx::PgPool;
use uuid::Uuid;

use super::count_periods::{Asked, Counted};
use super::{Actor, Change, Planning, pause};
use crate::domain::alert::{WHOLE, reached};
use crate::domain::budget::Budget;
use crate::error::Error;
use crate::store::alerts::{self, NewAlert};
use crate::store::budgets;
use crate::store::looks::{self, Look};

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longer than a look: one whose process died waits this long.
const LEASE: TimeDelta = TimeDelta::seconds(4);
/// Between a thousand looks of the daily check and the next thousand.
const SPREAD: TimeDelta = TimeDelta::seconds(30);

/// Works off the looks that are due.
#[derive(Debug)]
pub struct LookAtBudgets(pub Arc<Planning>);

impl Planning {
    async fn look(&self, household_id: Uuid) -> Result<(), Error> {
        let household = self.household(household_id).await?;
        self.remind(&household).await?;
        let today = household.today(self.clock.now());
        let live = budgets::list(&mut *self.pool.acquire().await?, household_id, None, i64::MAX).await?;
        let current = live.iter().filter(|budget| !budget.thresholds.is_empty()).filter_map(|budget| {
            let periods = vec![budget.schedule.period_of(today)?];
            Some(Asked { budget, periods })
        });
        let current: Vec<_> = current.collect();
        if current.is_empty() {
            return Ok(());
        }
        let counted = self.count_periods(household_id, &current, false).await?;
        let counted = current.iter().zip(counted.into_iter().flatten());
        let reached: Vec<_> =
            counted.flat_map(|(asked, counted)| self.alerts(asked.budget, &counted)).collect();
        self.fire(household_id, &live, reached).await
    }

    /// What is reached; the highest speaks for all.
    fn alerts(&self, budget: &Budget, counted: &Counted) -> Vec<NewAlert> {
        let Counted { period, amount, budgeted, .. } = counted;
        let spent = counted.spending.amount;
        let passed: Vec<_> = reached(spent.minor(), budgeted.minor(), &budget.thresholds).collect();
        let highest = passed.last().copied();
        let unpriced = counted.spending.unpriced.iter();
        let unpriced: BTreeMap<_, _> =
            unpriced.map(|it| (it.currency_code.clone(), it.amount.clone())).collect();
        let alert = |threshold| NewAlert {
            id: self.id(),
            budget_id: budget.id,
            period_start: period.start,
            period_end: period.end,
            threshold,
            amount: *amount,
            budgeted: *budgeted,
            spent,
            unpriced: unpriced.clone(),
            is_message: Some(threshold) == highest,
        };
        passed.into_iter().map(alert).collect()
    }

    /// Writes and tells what never fired before.
    async fn fire(
        &self,
        household_id: Uuid,
        live: &[Budget],
        mut alerts: Vec<NewAlert>,
    ) -> Result<(), Error> {
        let fired = alerts::fired(&mut *self.pool.acquire().await?, household_id, &alerts).await?;
        alerts.retain(|alert| !fired.contains(&alert.identity()));
        if alerts.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        let ids: Vec<_> = alerts.iter().map(|alert| alert.budget_id).collect();
        let versions = budgets::lock(&mut transaction, household_id, &ids).await?;
        // One that changed meanwhile was marked again by its change.
        let stands = |alert: &NewAlert| {
            let seen = live.iter().find(|it| it.id == alert.budget_id);
            seen.is_some_and(|it| versions.get(&alert.budget_id) == Some(&it.version))
        };
        alerts.retain(stands);
        let new = alerts::insert_new(&mut transaction, household_id, &alerts, now).await?;
        for alert in alerts.iter().filter(|alert| alert.is_message && new.contains(&alert.id)) {
            let change = Change {
                entity: "alert",
                entity_id: alert.id,
                version: 1,
                kind: if alert.threshold >= WHOLE { "budget_exceeded" } else { "budget_threshold" },
                changed: &[],
            };
            self.record(&mut transaction, &Actor::service(household_id), change).await?;
        }
        transaction.commit().await?;
        self.bell.ring();
        Ok(())
    }
}

impl Work for LookAtBudgets {
    type Item = Look;

    async fn claim(&self, limit: i64) -> Result<Vec<Look>, sqlx::Error> {
        let now = self.0.clock.now();
        looks::claim(&mut *self.0.pool.acquire().await?, limit, now, now + LEASE).await
    }

    async fn perform(&self, look: Look) -> Result<(), sqlx::Error> {
        let household_id = look.household_id;
        let looked = tokio::time::timeout(PATIENCE, self.0.look(household_id)).await;
        let (error, pause) = match looked {
            // A household that is gone has nothing to look at.
            Ok(Ok(()) | Err(Error::NotFound(_))) => {
                let now = self.0.clock.now();
                return looks::settle(&mut *self.0.pool.acquire().await?, look, now).await;
            }
            // The next change or the daily check asks again.
            Ok(Err(error)) if error.is_final() => {
                tracing::warn!(%household_id, %error, "budgets cannot be evaluated");
                let now = self.0.clock.now();
                return looks::settle(&mut *self.0.pool.acquire().await?, look, now).await;
            }
            Ok(Err(error)) => (error.to_string(), pause(&error, look.failures)),
            Err(_elapsed) => ("the look took too long".to_owned(), pause(&Error::UnderWay, look.failures)),
        };
        tracing::warn!(%household_id, error, "budgets could not be looked at yet");
        let due = self.0.clock.now() + pause;
        looks::postpone(&mut *self.0.pool.acquire().await?, look, due).await
    }
}

/// Asks for a look at every budget: days pass without any event. They are
/// spread, so that what people spend meanwhile does not wait behind them.
pub async fn look_at_all(planning: &Planning, pool: &PgPool) -> Result<(), sqlx::Error> {
    let (mut after, mut due) = (Uuid::nil(), planning.clock.now());
    while let Some(last) = looks::mark_all(&mut *pool.acquire().await?, after, due).await? {
        planning.looks.ring();
        (after, due) = (last, due + SPREAD);
    }
    Ok(())
}
