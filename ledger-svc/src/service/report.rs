//! Assembles the report on a household's finances in a span.

use chrono::NaiveDate;
use fintrac_money::Currency;
use kit_access::RequestContext;
use kit_access::caller::RequestOrigin;
use kit_core::date;
use uuid::Uuid;

use super::analytics::{CategoryAnalysis, IncomeExpense, NetWorth, Sum};
use super::query_parser::QueryParser;
use super::{LedgerUseCases, user_context};
use crate::domain::interval::Span;
use crate::domain::transaction::Transaction;
use crate::error::Error;

#[derive(Debug)]
pub struct Report {
    pub span: Span,
    pub currency: Currency,
    pub income: Sum,
    pub expense: Sum,
    /// Income and expenses by day, week or month.
    pub intervals: Vec<IncomeExpense>,
    /// Expense categories, the largest first.
    pub categories: Vec<CategoryAnalysis>,
    pub worth_before: Option<NetWorth>,
    pub worth: Option<NetWorth>,
    pub largest: Vec<Transaction>,
}

impl LedgerUseCases {
    /// Assembles the report of any household, for other services.
    pub async fn report(&self, household_id: Uuid, from: &str, to: &str) -> Result<Report, Error> {
        let ctx = user_context(household_id, Uuid::nil(), RequestOrigin::default());
        let household = self.household(&ctx).await?;
        let mut query = QueryParser::default();
        let span = self.parse_span(&household, (from, to), &mut query);
        let span = query.finish(span)?;
        let (from, to) = (span.from.to_string(), span.to.to_string());
        let days = (from.as_str(), to.as_str());
        let interval = match span.days() {
            ..=31 => "day",
            32..=186 => "week",
            _ => "month",
        };
        let intervals = self.analyze_income_expense(&ctx, days, interval).await?;
        let income = Sum::total(household.currency, intervals.iter().map(|interval| &interval.income))?;
        let expense = Sum::total(household.currency, intervals.iter().map(|interval| &interval.expense))?;
        let categories = self.analyze_categories(&ctx, days, "expense").await?.categories;
        let largest = self.analyze_patterns(&ctx, days).await?.largest;
        let worth_before = match span.from.pred_opt().filter(|day| *day >= date::earliest()) {
            Some(day) => self.net_worth_at(&ctx, day).await?,
            None => None,
        };
        let worth = self.net_worth_at(&ctx, span.to).await?;
        let currency = household.currency;
        Ok(Report { span, currency, income, expense, intervals, categories, worth_before, worth, largest })
    }

    async fn net_worth_at(&self, ctx: &RequestContext, day: NaiveDate) -> Result<Option<NetWorth>, Error> {
        let day = day.to_string();
        Ok(self.analyze_net_worth(ctx, (&day, &day), "day").await?.pop())
    }
}
