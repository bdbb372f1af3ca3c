//! What a household's money did in a span, all in one: for reports.

use chrono::NaiveDate;
use fintrac_kit::access::caller::Origin;
use fintrac_kit::access::{By, Principal};
use fintrac_kit::day;
use fintrac_money::Currency;
use uuid::Uuid;

use super::Ledger;
use super::analytics::{CategoryAnalysis, IncomeExpense, NetWorth, Sum};
use crate::domain::interval::Span;
use crate::domain::transaction::Transaction;
use crate::error::Error;

#[derive(Debug)]
pub struct Report {
    pub span: Span,
    pub currency: Currency,
    pub income: Sum,
    pub expense: Sum,
    /// Days, weeks or months.
    pub intervals: Vec<IncomeExpense>,
    /// Expenses, the largest first.
    pub categories: Vec<CategoryAnalysis>,
    pub worth_before: Option<NetWorth>,
    pub worth: Option<NetWorth>,
    pub largest: Vec<Transaction>,
}

impl Ledger {
    /// For another part of the suite, which knows for whom it asks.
    pub async fn report(&self, household_id: Uuid, from: &str, to: &str) -> Result<Report, Error> {
        let nobody =
            Principal { user_id: Uuid::nil(), session_id: Uuid::nil(), household_id, roles: Vec::new() };
        let by = By { principal: nobody, origin: Origin::default() };
        let household = self.household(&by).await?;
        let mut violations = Vec::new();
        let span = self.span(&household, (from, to), &mut violations).ok_or(Error::Query(violations))?;
        let (from, to) = (span.from.to_string(), span.to.to_string());
        let days = (from.as_str(), to.as_str());
        let interval = match span.days() {
            ..=31 => "day",
            32..=186 => "week",
            _ => "month",
        };
        let intervals = self.analyze_income_expense(&by, days, interval).await?;
        let zero = || Sum::zero(household.currency);
        let (mut income, mut expense) = (zero(), zero());
        for it in &intervals {
            income.plus(&it.income, 1)?;
            expense.plus(&it.expense, 1)?;
        }
        let categories = self.analyze_categories(&by, days, "expense").await?.categories;
        let largest = self.analyze_patterns(&by, days).await?.largest;
        let worth_before = match span.from.pred_opt().filter(|day| *day >= day::earliest()) {
            Some(day) => self.worth_at(&by, day).await?,
            None => None,
        };
        let worth = self.worth_at(&by, span.to).await?;
        let currency = household.currency;
        Ok(Report { span, currency, income, expense, intervals, categories, worth_before, worth, largest })
    }

    async fn worth_at(&self, by: &By, day: NaiveDate) -> Result<Option<NetWorth>, Error> {
        let day = day.to_string();
        Ok(self.analyze_net_worth(by, (&day, &day), "day").await?.pop())
    }
}
