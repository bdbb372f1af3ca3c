//! What periods of budgets have to spend, and what was spent in them.

use fintrac_money::Money;
use fintrac_proto::ledger::v1 as pb;
use uuid::Uuid;

use super::Planning;
use super::sum_spending::{Spending, Unpriced};
use crate::domain::alert::Standing;
use crate::domain::budget::Budget;
use crate::domain::period::Period;
use crate::error::Error;

/// A period, counted.
#[derive(Debug, Clone)]
pub struct Counted {
    pub period: Period,
    /// The limit in force.
    pub amount: Money,
    /// What went over from the period before; below zero when too much was spent.
    pub carried: Money,
    pub budgeted: Money,
    pub spending: Spending,
    /// What of the earlier periods behind `carried` has no rate.
    pub carried_unpriced: Vec<pb::UnpricedSpending>,
    pub remaining: Money,
    pub standing: Standing,
}

/// Periods of a budget that follow each other, in order.
#[derive(Debug)]
pub struct Asked<'a> {
    pub budget: &'a Budget,
    pub periods: Vec<Period>,
}

impl Planning {
    /// The periods of each, in order. What earlier ones leave them is counted anew:
    /// whatever changed there counts at once.
    pub(super) async fn count_periods(
        &self,
        household_id: Uuid,
        asked: &[Asked<'_>],
        with_rates: bool,
    ) -> Result<Vec<Vec<Counted>>, Error> {
        let leading: Vec<_> = asked
            .iter()
            .map(|Asked { budget, periods }| {
                periods.first().map(|it| budget.leading_to(*it)).unwrap_or_default()
            })
            .collect();
        let of_leading: Vec<_> =
            asked.iter().zip(&leading).map(|(it, periods)| (it.budget, periods.as_slice())).collect();
        let of_asked: Vec<_> = asked.iter().map(|it| (it.budget, it.periods.as_slice())).collect();
        let before = self.sum_spending(household_id, &of_leading, false).await?;
        let spending = self.sum_spending(household_id, &of_asked, with_rates).await?;
        let of_budgets = asked.iter().zip(&leading).zip(before.into_iter().zip(spending));
        let counted_all = of_budgets.map(|((asked, leading), (before, spending))| {
            let (mut carried, mut unpriced) = (0, Unpriced::default());
            for (period, spending) in leading.iter().zip(before) {
                carried = asked.budget.carries(*period, carried, spending.amount.minor());
                unpriced.carry(asked.budget, *period, &spending);
            }
            let count = |(period, spending): (&Period, Spending)| {
                let mut counted = counted(asked.budget, *period, carried, spending);
                counted.carried_unpriced = unpriced.list();
                carried = asked.budget.carries(*period, carried, counted.spending.amount.minor());
                unpriced.carry(asked.budget, *period, &counted.spending);
                counted
            };
            asked.periods.iter().zip(spending).map(count).collect()
        });
        Ok(counted_all.collect())
    }
}

fn counted(budget: &Budget, period: Period, carried: i64, spending: Spending) -> Counted {
    let amount = budget.terms_in(period).amount;
    let budgeted = amount.minor().saturating_add(carried);
    let spent = spending.amount.minor();
    let money = |minor| Money::new(minor, budget.currency);
    Counted {
        period,
        amount,
        carried: money(carried),
        budgeted: money(budgeted),
        remaining: money(budgeted.saturating_sub(spent)),
        standing: Standing::of(spent, budgeted, &budget.thresholds),
        carried_unpriced: Vec::new(),
        spending,
    }
}
