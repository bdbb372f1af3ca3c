//! The month's report: noted on the first of the next month, as each household
//! counts days, and told once to whoever wants it.

use std::sync::Arc;

use chrono::{DateTime, Datelike as _, Months, NaiveDate, TimeDelta, Utc};
use fintrac_kit::clock::Clock;
use fintrac_kit::error::chain;
use fintrac_kit::events::{Bell, HandlerError};
use fintrac_kit::jobs::BoxError;
use fintrac_kit::jobs::leased::Work;
use fintrac_kit::module::Deps;
use fintrac_kit::random::Random;
use fintrac_proto::auth::v1 as auth;
use rust_decimal::Decimal;
use sqlx::PgPool;
use uuid::Uuid;

use super::report::{Days, Reports};
use super::telling::Teller;
use crate::domain::kind::Kind;
use crate::render::Facts;
use crate::store::reports::{self, DueReport};

/// Who missed the first may still be told on this day of the month.
const LAST_DAY: u32 = 7;
/// Longer than telling takes: one whose process died waits this long.
const LEASE: TimeDelta = TimeDelta::minutes(1);

#[derive(Debug)]
pub struct MonthlyReports {
    pool: PgPool,
    clock: Clock,
    random: Random,
    teller: Teller,
    reports: Reports,
    /// Rung when reports are due.
    due: Bell,
}

/// Works off the reports that are due.
#[derive(Debug)]
pub struct TellReports(pub Arc<MonthlyReports>);

/// The month that is to be told of at an instant; none late in a month.
fn month(zone: &str, now: DateTime<Utc>) -> Option<NaiveDate> {
    let zone: chrono_tz::Tz = zone.parse().ok()?;
    let today = now.with_timezone(&zone).date_naive();
    if today.day() > LAST_DAY { None } else { today.with_day(1)?.checked_sub_months(Months::new(1)) }
}

impl MonthlyReports {
    pub fn new(deps: &Deps, teller: Teller, reports: Reports, due: Bell) -> Self {
        let Deps { pool, clock, random, .. } = deps.clone();
        Self { pool, clock, random, teller, reports, due }
    }

    /// Notes the reports whose day has come.
    pub async fn note(&self) -> Result<(), BoxError> {
        let now = self.clock.now();
        let mut after = String::new();
        loop {
            let request = auth::ListHouseholdsRequest { after: after.clone() };
            let page = self.teller.auth().list_households(request).await?.into_inner().households;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.household_id);
            let mut noted = Vec::new();
            for household in &page {
                if let Some(month) = month(&household.timezone, now) {
                    noted.push((Uuid::parse_str(&household.household_id)?, month, self.random.id(now)));
                }
            }
            reports::note(&mut *self.pool.acquire().await?, &noted, now).await?;
            self.due.ring();
        }
    }

    /// Tells of a month in which something happened.
    async fn tell(&self, report: DueReport) -> Result<(), HandlerError> {
        let days = Days::of_month(report.month);
        let days = days.ok_or_else(|| HandlerError::Poison("a month without days".to_owned()))?;
        let money = self.reports.get(report.household_id, days).await?.money;
        let is_nothing = |amount: &str| amount.parse::<Decimal>().is_ok_and(|amount| amount.is_zero());
        let is_priced = money.income_unpriced.is_empty() && money.expense_unpriced.is_empty();
        let tellings = if is_priced && is_nothing(&money.income) && is_nothing(&money.expense) {
            Vec::new()
        } else {
            let facts = Facts::Report { id: report.id.to_string(), money };
            let household = report.household_id.to_string();
            self.teller.everybody(report.id, &household, Kind::MonthlyReport, &facts).await?
        };
        let mut transaction = self.pool.begin().await?;
        self.teller.tell(&mut transaction, &[], tellings).await?;
        reports::settle(&mut transaction, report.id).await?;
        transaction.commit().await?;
        self.teller.told();
        Ok(())
    }
}

impl Work for TellReports {
    type Item = DueReport;

    async fn claim(&self, limit: i64) -> Result<Vec<DueReport>, sqlx::Error> {
        let now = self.0.clock.now();
        reports::claim(&mut *self.0.pool.acquire().await?, limit, now, now + LEASE).await
    }

    async fn perform(&self, report: DueReport) -> Result<(), sqlx::Error> {
        let Err(error) = self.0.tell(report).await else { return Ok(()) };
        tracing::warn!(id = %report.id, error = %chain(&error), "a report could not be told yet");
        let pause = TimeDelta::seconds(5_i64 << report.failures.clamp(0, 9));
        let due = self.0.clock.now() + pause;
        reports::postpone(&mut *self.0.pool.acquire().await?, report.id, due).await
    }
}

#[cfg(test)]
mod tests {
    use super::month;

    #[test]
    fn a_month_is_told_of_when_it_is_over_there() {
        let at = |zone, instant: &str| {
            month(zone, instant.parse().expect("an instant")).map(|day| day.to_string())
        };
        assert_eq!(at("UTC", "2026-12-01T00:00:00Z").as_deref(), Some("2026-11-01"));
        assert_eq!(at("UTC", "2026-11-30T23:59:59Z"), None);
        assert_eq!(at("Pacific/Kiritimati", "2026-11-30T10:00:00Z").as_deref(), Some("2026-11-01"));
        assert_eq!(at("America/New_York", "2027-01-01T04:59:59Z"), None);
        assert_eq!(at("America/New_York", "2027-01-01T05:00:00Z").as_deref(), Some("2026-12-01"));
        assert_eq!(at("UTC", "2026-12-07T23:00:00Z").as_deref(), Some("2026-11-01"), "a week late");
        assert_eq!(at("UTC", "2026-12-08T00:00:00Z"), None);
    }
}
