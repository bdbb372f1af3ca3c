//! Evaluates all budgets of a household and the due dates of its goals.
//!
//! Events of the ledger, changes of budgets and a daily job request evaluations. The alerts that
//! fire depend only on the state that is found, so the number and the order of evaluations do not
//! matter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kit_core::error::ProblemCode;
use kit_jobs::{Job, JobError, Queue, Worker};
use sqlx::PgConnection;
use uuid::Uuid;

use super::compute_periods::{PeriodQuery, PeriodSummary};
use super::{BudgetUseCases, service_actor};
use crate::domain::alert::{FULL_PERCENT, reached};
use crate::domain::budget::Budget;
use crate::error::Error;
use crate::store::alerts::{self, NewAlert};
use crate::store::budgets;

/// The queue of households whose budgets must be evaluated.
pub const BUDGET_EVALUATIONS: Queue<Uuid> = Queue::new("budget-evaluations");

/// The delay between batches of 1,000 households of the daily check.
const BATCH_DELAY: TimeDelta = TimeDelta::seconds(30);

/// The worker that runs the evaluations that are due.
#[derive(Debug)]
pub struct BudgetEvaluator(pub Arc<BudgetUseCases>);

impl BudgetUseCases {
    async fn evaluate(&self, household_id: Uuid) -> Result<(), Error> {
        let household = self.households.get(household_id).await?;
        self.record_reminders(&household).await?;
        let today = household.today(self.clock.now());
        let live = budgets::list(&mut *self.pool.acquire().await?, household_id, None, i64::MAX).await?;
        let current = live.iter().filter(|budget| !budget.thresholds.is_empty()).filter_map(|budget| {
            let periods = vec![budget.schedule.period_of(today)?];
            Some(PeriodQuery { budget, periods })
        });
        let current: Vec<_> = current.collect();
        if current.is_empty() {
            return Ok(());
        }
        let summary = self.compute_periods(household_id, &current, false).await?;
        let summary = current.iter().zip(summary.into_iter().flatten());
        let reached: Vec<_> =
            summary.flat_map(|(query, summary)| self.alerts(query.budget, &summary)).collect();
        self.fire(household_id, &live, reached).await
    }

    /// Builds an alert for each reached threshold; only the highest notifies.
    fn alerts(&self, budget: &Budget, summary: &PeriodSummary) -> Vec<NewAlert> {
        let PeriodSummary { period, limit, budgeted, .. } = summary;
        let spent = summary.spending.amount;
        let passed: Vec<_> = reached(spent.minor(), budgeted.minor(), &budget.thresholds).collect();
        let highest = passed.last().copied();
        let unpriced = summary.spending.unpriced.iter();
        let unpriced: BTreeMap<_, _> =
            unpriced.map(|spending| (spending.currency_code.clone(), spending.amount.clone())).collect();
        let alert = |threshold| NewAlert {
            id: self.new_id(),
            budget_id: budget.id,
            period_start: period.start,
            period_end: period.end,
            threshold,
            limit: *limit,
            budgeted: *budgeted,
            spent,
            unpriced: unpriced.clone(),
            is_notified: Some(threshold) == highest,
        };
        passed.into_iter().map(alert).collect()
    }

    /// Stores the alerts that never fired before and records their events.
    async fn fire(
        &self,
        household_id: Uuid,
        live: &[Budget],
        mut alerts: Vec<NewAlert>,
    ) -> Result<(), Error> {
        let fired = alerts::list_fired(&mut *self.pool.acquire().await?, household_id, &alerts).await?;
        alerts.retain(|alert| !fired.contains(&alert.key()));
        if alerts.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut transaction = self.begin(service_actor(household_id)).await?;
        let ids: Vec<_> = alerts.iter().map(|alert| alert.budget_id).collect();
        let versions = budgets::lock(&mut transaction, household_id, &ids).await?;
        // A budget that changed meanwhile has requested another evaluation itself.
        let is_current = |alert: &NewAlert| {
            let seen = live.iter().find(|budget| budget.id == alert.budget_id);
            seen.is_some_and(|budget| versions.get(&alert.budget_id) == Some(&budget.version))
        };
        alerts.retain(is_current);
        let new = alerts::insert_new(&mut transaction, household_id, &alerts, now).await?;
        for alert in alerts.iter().filter(|alert| alert.is_notified && new.contains(&alert.id)) {
            let kind = if alert.threshold >= FULL_PERCENT { "budget_exceeded" } else { "budget_threshold" };
            transaction.record("alert", alert.id, 1, kind, &[]).await?;
        }
        transaction.commit().await
    }
}

impl Worker for BudgetEvaluator {
    type Key = Uuid;

    const QUEUE: Queue<Uuid> = BUDGET_EVALUATIONS;
    const TIMEOUT: Duration = Duration::from_secs(3);
    const LEASE: TimeDelta = TimeDelta::seconds(4);

    async fn handle(&self, job: Job<Uuid>) -> Result<(), JobError> {
        match self.0.evaluate(job.key).await {
            // An erased household has no budgets to evaluate.
            Err(error) if error.code() == Some(ProblemCode::NotFound) => Ok(()),
            result => Ok(result?),
        }
    }
}

/// Requests evaluations of the households that have something to evaluate.
pub async fn request_evaluations(
    connection: &mut PgConnection,
    household_ids: &[Uuid],
    run_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let households = budgets::list_evaluable_households(connection, household_ids).await?;
    BUDGET_EVALUATIONS.enqueue(connection, households, run_at).await
}

/// Requests an evaluation of every household with budgets.
/// A new period begins without an event. The requests are spread over time, so that evaluations of
/// new spending do not wait behind them.
pub async fn request_all_evaluations(use_cases: &BudgetUseCases) -> Result<(), sqlx::Error> {
    let (mut after, mut run_at) = (Uuid::nil(), use_cases.clock.now());
    loop {
        let mut connection = use_cases.pool.acquire().await?;
        let households = budgets::list_households(&mut connection, after).await?;
        let Some(last) = households.last() else { return Ok(()) };
        after = *last;
        BUDGET_EVALUATIONS.enqueue(&mut connection, households, run_at).await?;
        use_cases.job_signal.wake();
        run_at += BATCH_DELAY;
    }
}
