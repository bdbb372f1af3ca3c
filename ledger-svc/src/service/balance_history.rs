//! Computes an account's balance at the end of a day or of each interval.

use chrono::NaiveDate;
use fintrac_money::{Household, Money};
use kit_access::RequestContext;
use uuid::Uuid;

use super::query_parser::QueryParser;
use super::{BEGIN_SNAPSHOT, LedgerUseCases};
use crate::domain::account::Account;
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
        let mut query = QueryParser::default();
        let day = query.date_or("date", date, household.today(self.clock.now()));
        let day = query.finish(day)?;
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
        let (spans, _) = self.parse_spans(&household, (from, to), interval)?;
        let days: Vec<_> = spans.into_iter().map(|span| span.to).collect();
        self.balances(&household, account_id, &days).await
    }

    /// Computes the closing balances of `days` on one snapshot.
    async fn balances(
        &self,
        household: &Household,
        account_id: Uuid,
        days: &[NaiveDate],
    ) -> Result<(Account, Vec<(NaiveDate, Money)>), Error> {
        let mut snapshot = self.pool.begin_with(BEGIN_SNAPSHOT).await?;
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
