//! Computes an account's balance at the end of a day or of each interval.

use chrono::{Months, NaiveDate};
use fintrac_kit::access::RequestContext;
use fintrac_kit::error::FieldViolation;
use fintrac_money::{Household, Money};
use sqlx::Connection as _;
use uuid::Uuid;

use super::transaction_filter::parse_date;
use super::{BEGIN_SNAPSHOT, LedgerUseCases};
use crate::domain::account::Account;
use crate::domain::interval::{Interval, MAX_INTERVALS, Span};
use crate::error::Error;
use crate::store::{accounts, daily_totals};

impl LedgerUseCases {
    /// Returns the balance of a live or deleted account at the end of a day.
    ///
    /// An empty `date` means today.
    pub async fn balance_at(
        &self,
        ctx: &RequestContext,
        account_id: Uuid,
        date: &str,
    ) -> Result<(NaiveDate, Money), Error> {
        let household = self.household(ctx).await?;
        let mut violations = Vec::new();
        let day = self.parse_date_or_today("date", date, &household, &mut violations);
        let day = day.ok_or(Error::InvalidQuery(violations))?;
        let balances = self.balances(&household, account_id, &[day]).await?.1;
        balances.into_iter().next().ok_or_else(|| Error::Internal("the day has no balance".into()))
    }

    /// Returns the closing balance of each interval.
    ///
    /// Empty parameters default to the year up to today, by month.
    pub async fn balance_history(
        &self,
        ctx: &RequestContext,
        account_id: Uuid,
        (from, to): (&str, &str),
        interval: &str,
    ) -> Result<(Account, Vec<(NaiveDate, Money)>), Error> {
        let household = self.household(ctx).await?;
        let spans = self.parse_spans(&household, (from, to), interval)?;
        let days: Vec<_> = spans.into_iter().map(|span| span.to).collect();
        self.balances(&household, account_id, &days).await
    }

    /// Parses the intervals of a query.
    ///
    /// Empty parameters default to the year up to today, by month.
    pub(super) fn parse_spans(
        &self,
        household: &Household,
        span: (&str, &str),
        interval: &str,
    ) -> Result<Vec<Span>, Error> {
        let mut violations = Vec::new();
        let span = self.parse_span(household, span, &mut violations);
        let interval = parse_interval(interval, &mut violations);
        let (Some(span), Some(interval)) = (span, interval) else {
            return Err(Error::InvalidQuery(violations));
        };
        span.split_by(interval).ok_or_else(|| {
            let text = format!(
                "The span must have at most {MAX_INTERVALS} intervals. Send a later start or a longer interval."
            );
            Error::InvalidQuery(vec![FieldViolation::new("from", "PARAMETER_INVALID", text)])
        })
    }

    /// Parses the span of a query; empty parameters mean the year up to today.
    pub(super) fn parse_span(
        &self,
        household: &Household,
        (from, to): (&str, &str),
        violations: &mut Vec<FieldViolation>,
    ) -> Option<Span> {
        let mut read = |field: &str, text: &str, default: Option<NaiveDate>| {
            if text.is_empty() {
                return default;
            }
            let found = parse_date(text);
            if found.is_none() {
                violations.push(FieldViolation::new(
                    field,
                    "PARAMETER_INVALID",
                    "The day must have the form YYYY-MM-DD.",
                ));
            }
            found
        };
        let to = read("to", to, Some(household.today(self.clock.now())));
        let year_before = to.and_then(|to| to.checked_sub_months(Months::new(12))?.succ_opt());
        let from = read("from", from, year_before);
        let (from, to) = (from?, to?);
        if from > to {
            violations.push(FieldViolation::new(
                "to",
                "PARAMETER_INVALID",
                "The last day must not be before from. Send a later day.",
            ));
            return None;
        }
        Some(Span { from, to })
    }

    /// Computes the closing balances of `days` on one snapshot.
    async fn balances(
        &self,
        household: &Household,
        account_id: Uuid,
        days: &[NaiveDate],
    ) -> Result<(Account, Vec<(NaiveDate, Money)>), Error> {
        let mut connection = self.pool.acquire().await?;
        let mut snapshot = connection.begin_with(BEGIN_SNAPSHOT).await?;
        let account = accounts::find(&mut snapshot, household.id, account_id).await?;
        let account = account.ok_or_else(|| Error::not_found("account"))?;
        let after = daily_totals::sums_after(&mut snapshot, household.id, account_id, days).await?;
        snapshot.commit().await?;
        let closing = |day: &NaiveDate| {
            let minor = account.projected_balance.minor().checked_sub(*after.get(day)?)?;
            Some((*day, Money::new(minor, account.currency())))
        };
        let balances: Option<Vec<_>> = days.iter().map(closing).collect();
        let balances = balances.ok_or_else(|| Error::Internal("the balance cannot be computed".into()))?;
        Ok((account, balances))
    }
}

pub(super) fn parse_interval(text: &str, violations: &mut Vec<FieldViolation>) -> Option<Interval> {
    let found = if text.is_empty() { Some(Interval::Month) } else { Interval::from_text(text) };
    if found.is_none() {
        violations.push(FieldViolation::new(
            "interval",
            "PARAMETER_INVALID",
            "The interval must be day, week or month.",
        ));
    }
    found
}
