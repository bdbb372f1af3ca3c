//! What periods of budgets have to spend, and what was spent in them.

use fintrac_money::Money;
use fintrac_proto::ledger::v1 as pb;
use uuid::Uuid;

use super::Planning;
use super::sum_spending::{Spending, Unpriced, query};
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
            asked.iter().zip(&leading).flat_map(|(it, periods)| questions(it.budget, periods)).collect();
        let of_asked: Vec<_> = asked.iter().flat_map(|it| questions(it.budget, &it.periods)).collect();
        let before = self.sum_spending(household_id, of_leading, false).await?;
        let spending = self.sum_spending(household_id, of_asked, with_rates).await?;
        let (mut before, mut spending) = (before.into_iter(), spending.into_iter());
        let count_one = |(Asked { budget, periods }, leading): (&Asked<'_>, &Vec<Period>)| {
            let (mut carried, mut unpriced) = (0, Unpriced::default());
            for (period, spending) in leading.iter().zip(before.by_ref().take(leading.len())) {
                carried = budget.carries(*period, carried, spending.amount.minor());
                unpriced.carry(budget, *period, &spending);
            }
            let count = |(period, spending): (&Period, Spending)| {
                let mut counted = counted(budget, *period, carried, spending);
                counted.carried_unpriced = unpriced.list();
                carried = budget.carries(*period, carried, counted.spending.amount.minor());
                unpriced.carry(budget, *period, &counted.spending);
                counted
            };
            periods.iter().zip(spending.by_ref().take(periods.len())).map(count).collect()
        };
        Ok(asked.iter().zip(&leading).map(count_one).collect())
    }
}

fn questions(budget: &Budget, periods: &[Period]) -> Vec<pb::SpendingQuery> {
    periods.iter().map(|period| query(budget, budget.terms_in(*period), *period)).collect()
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
