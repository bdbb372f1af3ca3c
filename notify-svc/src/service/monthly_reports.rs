//! Schedules monthly reports and sends each once to each subscribed user.
//!
//! A report is due on the first day of the next month in the household's time zone.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};
use fintrac_proto::NotificationKind;
use fintrac_proto::auth::v1 as auth;
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_events::HandlerError;
use kit_jobs::{BoxError, Job, JobError, Queue, Worker};
use kit_service::module::ServiceDependencies;
use rust_decimal::Decimal;
use sqlx::PgPool;
use uuid::Uuid;

use super::dispatcher::NotificationDispatcher;
use super::report::{DateRange, Reports};
use crate::render::NotificationData;
use crate::store::reports::{self, REPORT_NOTIFICATIONS};

/// The last day of the month on which a missed report is still sent.
const LAST_SCHEDULING_DAY: u32 = 7;

#[derive(Debug)]
pub struct MonthlyReports {
    pool: PgPool,
    clock: Clock,
    random: Random,
    dispatcher: NotificationDispatcher,
    reports: Reports,
    job_signal: WakeSignal,
}

/// Sends the reports that are due.
#[derive(Debug)]
pub struct MonthlyReportJob(pub Arc<MonthlyReports>);

/// The month whose report is due at `now`; `None` after the first days of a month.
fn due_month(zone: &str, now: DateTime<Utc>) -> Option<NaiveDate> {
    let zone: chrono_tz::Tz = zone.parse().ok()?;
    let today = now.with_timezone(&zone).date_naive();
    if today.day() > LAST_SCHEDULING_DAY {
        None
    } else {
        today.with_day(1)?.checked_sub_months(Months::new(1))
    }
}

impl MonthlyReports {
    pub fn new(deps: &ServiceDependencies, dispatcher: NotificationDispatcher, reports: Reports) -> Self {
        let ServiceDependencies { pool, clock, random, job_signal, .. } = deps.clone();
        Self { pool, clock, random, dispatcher, reports, job_signal }
    }

    /// Schedules the reports that are due.
    pub async fn schedule(&self) -> Result<(), BoxError> {
        let now = self.clock.now();
        let mut after = String::new();
        loop {
            let request = auth::ListHouseholdTimezonesRequest { after: after.clone() };
            let page =
                self.dispatcher.auth().list_household_timezones(request).await?.into_inner().households;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.household_id);
            let mut scheduled = Vec::new();
            for household in &page {
                if let Some(month) = due_month(&household.timezone, now) {
                    scheduled.push((Uuid::parse_str(&household.household_id)?, month, self.random.id(now)));
                }
            }
            reports::schedule(&mut *self.pool.acquire().await?, &scheduled, now).await?;
            self.job_signal.wake();
        }
    }

    /// Notifies the household's subscribers, unless nothing happened in the month.
    async fn send(&self, id: Uuid, household_id: Uuid, month: NaiveDate) -> Result<(), HandlerError> {
        let days = DateRange::from_month(month);
        let days = days.ok_or_else(|| HandlerError::Permanent("the month is out of range".to_owned()))?;
        let money = self.reports.get(household_id, days).await?.money;
        let is_zero = |amount: &str| amount.parse::<Decimal>().is_ok_and(|amount| amount.is_zero());
        let is_priced = money.income_unpriced.is_empty() && money.expense_unpriced.is_empty();
        let prepared = if is_priced && is_zero(&money.income) && is_zero(&money.expense) {
            Vec::new()
        } else {
            let data = NotificationData::MonthlyReport { id: id.to_string(), data: money };
            let household = household_id.to_string();
            self.dispatcher.for_household(id, &household, NotificationKind::MonthlyReport, &data).await?
        };
        let mut transaction = self.pool.begin().await?;
        self.dispatcher.dispatch(&mut transaction, "notify", &[], prepared).await?;
        transaction.commit().await?;
        self.dispatcher.wake_workers();
        Ok(())
    }
}

impl Worker for MonthlyReportJob {
    type Key = Uuid;

    const QUEUE: Queue<Uuid> = REPORT_NOTIFICATIONS;
    const CONCURRENCY: usize = 2;
    const TIMEOUT: Duration = Duration::from_mins(1);

    async fn handle(&self, job: Job<Uuid>) -> Result<(), JobError> {
        let found = reports::find(&mut *self.0.pool.acquire().await?, job.key).await?;
        let Some((household_id, month)) = found else { return Ok(()) };
        Ok(self.0.send(job.key, household_id, month).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::due_month;

    #[test]
    fn a_month_is_due_when_it_ended_in_the_time_zone() {
        let month_at = |zone, instant: &str| {
            due_month(zone, instant.parse().expect("a timestamp")).map(|day| day.to_string())
        };
        assert_eq!(month_at("UTC", "2026-12-01T00:00:00Z").as_deref(), Some("2026-11-01"));
        assert_eq!(month_at("UTC", "2026-11-30T23:59:59Z"), None);
        assert_eq!(month_at("Pacific/Kiritimati", "2026-11-30T10:00:00Z").as_deref(), Some("2026-11-01"));
        assert_eq!(month_at("America/New_York", "2027-01-01T04:59:59Z"), None);
        assert_eq!(month_at("America/New_York", "2027-01-01T05:00:00Z").as_deref(), Some("2026-12-01"));
        assert_eq!(month_at("UTC", "2026-12-07T23:00:00Z").as_deref(), Some("2026-11-01"), "a week late");
        assert_eq!(month_at("UTC", "2026-12-08T00:00:00Z"), None);
    }
}
