//! Summarizes all budgets that run today.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use fintrac_money::{Currency, Money};
use fintrac_proto::ledger::v1 as pb;
use kit_access::RequestContext;

use super::BudgetUseCases;
use super::compute_periods::PeriodQuery;
use super::get_progress::Progress;
use super::sum_spending::UnpricedAmounts;
use crate::error::Error;
use crate::store::budgets;

#[derive(Debug, Clone)]
pub struct BudgetSummary {
    pub today: NaiveDate,
    /// The budgets in the order of their creation.
    pub budgets: Vec<Progress>,
    /// The totals in the order of their currency codes.
    pub totals: Vec<CurrencyTotal>,
}

/// The total of all budgets in one currency, each in its current period.
#[derive(Debug, Clone)]
pub struct CurrencyTotal {
    pub budgeted: Money,
    pub spent: Money,
    pub remaining: Money,
    pub unpriced: Vec<pb::UnpricedSpending>,
}

impl BudgetUseCases {
    pub async fn summarize(&self, ctx: &RequestContext) -> Result<BudgetSummary, Error> {
        let household_id = ctx.principal.household_id;
        let today = self.households.get(household_id).await?.today(self.clock.now());
        let live = budgets::list(&mut *self.pool.acquire().await?, household_id, None, i64::MAX).await?;
        let queries = live.iter().filter_map(|budget| {
            let periods = vec![budget.schedule.period_of(today)?];
            Some(PeriodQuery { budget, periods })
        });
        let queries: Vec<_> = queries.collect();
        let summaries = self.compute_periods(household_id, &queries, false).await?;
        let current: Vec<_> = queries.iter().map(|query| (query.budget, query.periods[0])).collect();
        let upcoming = self.upcoming_spending(household_id, &current, today).await?;
        let rows = queries.iter().zip(summaries.into_iter().flatten()).zip(&upcoming);
        let budgets: Vec<_> = rows
            .map(|((query, summary), upcoming)| Progress::new(query.budget, summary, upcoming, today))
            .collect();
        Ok(BudgetSummary { today, totals: totals(&budgets), budgets })
    }
}

fn totals(budgets: &[Progress]) -> Vec<CurrencyTotal> {
    let mut sums: BTreeMap<&str, (Currency, [i64; 3], UnpricedAmounts)> = BTreeMap::new();
    for Progress { summary, .. } in budgets {
        let currency = summary.budgeted.currency();
        let entry = sums.entry(currency.code());
        let (_, sums, unpriced) = entry.or_insert_with(|| (currency, [0; 3], UnpricedAmounts::default()));
        for (sum, amount) in
            sums.iter_mut().zip([summary.budgeted, summary.spending.amount, summary.remaining])
        {
            *sum = sum.saturating_add(amount.minor());
        }
        unpriced.add(&summary.spending.unpriced);
    }
    let total = |(currency, sums, unpriced): (Currency, [i64; 3], UnpricedAmounts)| {
        let [budgeted, spent, remaining] = sums.map(|minor| Money::new(minor, currency));
        CurrencyTotal { budgeted, spent, remaining, unpriced: unpriced.list() }
    };
    sums.into_values().map(total).collect()
}
