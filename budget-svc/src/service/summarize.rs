//! All budgets that run today, at once.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use fintrac_kit::access::By;
use fintrac_money::{Currency, Money};
use fintrac_proto::ledger::v1 as pb;

use super::Planning;
use super::count_periods::Asked;
use super::get_progress::Progress;
use super::sum_spending::Unpriced;
use crate::error::Error;
use crate::store::budgets;

#[derive(Debug, Clone)]
pub struct Summary {
    pub today: NaiveDate,
    /// In the order in which they were made.
    pub budgets: Vec<Progress>,
    /// By currency code.
    pub totals: Vec<Total>,
}

/// The budgets in one currency together, each in its current period.
#[derive(Debug, Clone)]
pub struct Total {
    pub budgeted: Money,
    pub spent: Money,
    pub remaining: Money,
    pub unpriced: Vec<pb::UnpricedSpending>,
}

impl Planning {
    pub async fn summarize(&self, by: &By) -> Result<Summary, Error> {
        let household_id = by.principal.household_id;
        let today = self.household(household_id).await?.today(self.clock.now());
        let live = budgets::list(&mut *self.pool.acquire().await?, household_id, None, i64::MAX).await?;
        let asked = live.iter().filter_map(|budget| {
            let periods = vec![budget.schedule.period_of(today)?];
            Some(Asked { budget, periods })
        });
        let asked: Vec<_> = asked.collect();
        let counted = self.count_periods(household_id, &asked, false).await?;
        let current: Vec<_> = asked.iter().map(|it| (it.budget, it.periods[0])).collect();
        let upcoming = self.upcoming_spending(household_id, &current, today).await?;
        let of_budgets = asked.iter().zip(counted.into_iter().flatten()).zip(&upcoming);
        let budgets: Vec<_> = of_budgets
            .map(|((asked, counted), upcoming)| Progress::new(asked.budget, counted, upcoming, today))
            .collect();
        Ok(Summary { today, totals: totals(&budgets), budgets })
    }
}

fn totals(budgets: &[Progress]) -> Vec<Total> {
    let mut sums: BTreeMap<&str, (Currency, [i64; 3], Unpriced)> = BTreeMap::new();
    for Progress { counted, .. } in budgets {
        let currency = counted.budgeted.currency();
        let entry = sums.entry(currency.code());
        let (_, sums, unpriced) = entry.or_insert_with(|| (currency, [0; 3], Unpriced::default()));
        for (sum, part) in sums.iter_mut().zip([counted.budgeted, counted.spending.amount, counted.remaining])
        {
            *sum = sum.saturating_add(part.minor());
        }
        unpriced.add(&counted.spending.unpriced);
    }
    let total = |(currency, sums, unpriced): (Currency, [i64; 3], Unpriced)| {
        let [budgeted, spent, remaining] = sums.map(|minor| Money::new(minor, currency));
        Total { budgeted, spent, remaining, unpriced: unpriced.list() }
    };
    sums.into_values().map(total).collect()
}
