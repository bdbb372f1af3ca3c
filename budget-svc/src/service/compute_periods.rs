//! Computes limit, spending and carried amount of budgets in their periods.

use fintrac_money::Money;
use fintrac_proto::ledger::v1 as pb;
use uuid::Uuid;

use super::BudgetUseCases;
use super::sum_spending::{Spending, UnpricedAmounts};
use crate::domain::alert::BudgetStatus;
use crate::domain::budget::Budget;
use crate::domain::period::Period;
use crate::error::Error;

/// The amounts and the status of a budget in a period.
#[derive(Debug, Clone)]
pub struct PeriodSummary {
    pub period: Period,
    /// The limit in force.
    pub limit: Money,
    /// The amount carried over from the previous period; negative if overspent.
    pub carried: Money,
    /// The limit plus the carried amount.
    pub budgeted: Money,
    pub spending: Spending,
    /// The unpriced spending of the earlier periods that `carried` depends on.
    pub carried_unpriced: Vec<pb::UnpricedSpending>,
    pub remaining: Money,
    pub status: BudgetStatus,
}

/// The consecutive periods of a budget to compute, oldest first.
#[derive(Debug)]
pub struct PeriodQuery<'a> {
    pub budget: &'a Budget,
    pub periods: Vec<Period>,
}

impl BudgetUseCases {
    /// Computes the periods of each query, in order.
    /// Carried amounts are computed from the spending of all earlier periods on each call, so that
    /// a change of a past period takes effect immediately.
    pub(super) async fn compute_periods(
        &self,
        household_id: Uuid,
        queries: &[PeriodQuery<'_>],
        with_rates: bool,
    ) -> Result<Vec<Vec<PeriodSummary>>, Error> {
        let earlier_periods: Vec<_> = queries
            .iter()
            .map(|PeriodQuery { budget, periods }| {
                periods.first().map(|period| budget.periods_before(*period)).unwrap_or_default()
            })
            .collect();
        let earlier_queries: Vec<_> = queries
            .iter()
            .zip(&earlier_periods)
            .map(|(query, periods)| (query.budget, periods.as_slice()))
            .collect();
        let requested_queries: Vec<_> =
            queries.iter().map(|query| (query.budget, query.periods.as_slice())).collect();
        let earlier_spending = self.sum_spending(household_id, &earlier_queries, false).await?;
        let spending = self.sum_spending(household_id, &requested_queries, with_rates).await?;
        let rows = queries.iter().zip(&earlier_periods).zip(earlier_spending.into_iter().zip(spending));
        let summaries = rows.map(|((query, earlier_periods), (earlier_spending, spending))| {
            let (mut carried, mut unpriced) = (0, UnpricedAmounts::default());
            for (period, spending) in earlier_periods.iter().zip(earlier_spending) {
                carried = query.budget.carry_over(*period, carried, spending.amount.minor());
                unpriced.carry(query.budget, *period, &spending);
            }
            let summarize = |(period, spending): (&Period, Spending)| {
                let mut summary = summarize_period(query.budget, *period, carried, spending);
                summary.carried_unpriced = unpriced.list();
                carried = query.budget.carry_over(*period, carried, summary.spending.amount.minor());
                unpriced.carry(query.budget, *period, &summary.spending);
                summary
            };
            query.periods.iter().zip(spending).map(summarize).collect()
        });
        Ok(summaries.collect())
    }
}

fn summarize_period(budget: &Budget, period: Period, carried: i64, spending: Spending) -> PeriodSummary {
    let limit = budget.terms_in(period).amount;
    let budgeted = limit.minor().saturating_add(carried);
    let spent = spending.amount.minor();
    let money = |minor| Money::new(minor, budget.currency);
    PeriodSummary {
        period,
        limit,
        carried: money(carried),
        budgeted: money(budgeted),
        remaining: money(budgeted.saturating_sub(spent)),
        status: BudgetStatus::from_spending(spent, budgeted, &budget.thresholds),
        carried_unpriced: Vec::new(),
        spending,
    }
}
