//! Sums of spending, read from the ledger.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use fintrac_money::{Currency, Money};
use fintrac_proto::ledger::v1 as pb;
use kit_core::date;
use uuid::Uuid;

use super::BudgetUseCases;
use crate::domain::budget::{Budget, BudgetTerms};
use crate::domain::period::Period;
use crate::error::Error;

/// The maximum number of periods in one call to the ledger.
const MAX_PERIODS_PER_CALL: usize = 5000;

/// Spending in one period of one budget.
#[derive(Debug, Clone)]
pub struct Spending {
    pub amount: Money,
    pub rates: Vec<pb::SpendingRate>,
    pub unpriced: Vec<pb::UnpricedSpending>,
}

/// UnpricedAmounts spending by currency.
#[derive(Debug, Default)]
pub struct UnpricedAmounts(BTreeMap<String, Money>);

impl UnpricedAmounts {
    /// Adds amounts, except those that cannot be parsed or would overflow.
    pub fn add(&mut self, unpriced: &[pb::UnpricedSpending]) {
        for entry in unpriced {
            let Ok(amount) = parse_money(&entry.amount, &entry.currency_code) else { continue };
            let zero = Money::zero(amount.currency());
            let sum = self.0.entry(entry.currency_code.clone()).or_insert(zero);
            *sum = sum.checked_add(amount).unwrap_or(*sum);
        }
    }

    /// Adds the unpriced spending of a period; clears all if it carries nothing over.
    pub fn carry(&mut self, budget: &Budget, period: Period, spending: &Spending) {
        if budget.carries_over(period) {
            self.add(&spending.unpriced);
        } else {
            self.0.clear();
        }
    }

    pub fn list(&self) -> Vec<pb::UnpricedSpending> {
        let convert = |(code, amount): (&String, &Money)| pb::UnpricedSpending {
            date: String::new(),
            currency_code: code.clone(),
            amount: amount.to_string(),
        };
        self.0.iter().map(convert).collect()
    }
}

/// Builds the query for the spending under `terms` in `period`.
pub fn query(budget: &Budget, terms: &BudgetTerms, period: Period) -> pb::SpendingQuery {
    pb::SpendingQuery {
        currency_code: budget.currency.code().to_owned(),
        category_ids: terms.category_ids.iter().map(Uuid::to_string).collect(),
        from: clamp_date(period.start),
        to: clamp_date(period.end),
    }
}

/// Periods of a budget with the same terms, as a series of a request.
struct Series<'a> {
    /// The index of the budget in the list of budgets.
    number: usize,
    budget: &'a Budget,
    terms: &'a BudgetTerms,
    periods: Vec<Period>,
}

impl Series<'_> {
    fn request(&self) -> pb::SpendingSeries {
        let periods = self.periods.iter().map(|period| {
            let (from, to) = (clamp_date(period.start), clamp_date(period.end));
            pb::SpendingPeriod { from, to }
        });
        pb::SpendingSeries {
            currency_code: self.budget.currency.code().to_owned(),
            category_ids: self.terms.category_ids.iter().map(Uuid::to_string).collect(),
            periods: periods.collect(),
        }
    }
}

impl BudgetUseCases {
    /// Returns the spending of each budget in each of its periods, in order.
    pub(super) async fn sum_spending(
        &self,
        household_id: Uuid,
        budgets: &[(&Budget, &[Period])],
        with_rates: bool,
    ) -> Result<Vec<Vec<Spending>>, Error> {
        let mut sums: Vec<_> = budgets.iter().map(|(_, periods)| Vec::with_capacity(periods.len())).collect();
        let series = budgets.iter().enumerate().flat_map(|(number, (budget, periods))| {
            let same_terms = |one: &Period, next: &Period| budget.terms_in(*one) == budget.terms_in(*next);
            let chunks = periods.chunk_by(same_terms).flat_map(|chunk| chunk.chunks(MAX_PERIODS_PER_CALL));
            let series = chunks.filter_map(move |chunk| {
                let terms = budget.terms_in(*chunk.first()?);
                Some(Series { number, budget, terms, periods: chunk.to_vec() })
            });
            series.collect::<Vec<_>>()
        });
        let mut call: Vec<Series<'_>> = Vec::new();
        for next in series {
            let periods: usize = call.iter().map(|series| series.periods.len()).sum();
            if periods.saturating_add(next.periods.len()) > MAX_PERIODS_PER_CALL {
                self.sum_series(household_id, &call, with_rates, &mut sums).await?;
                call.clear();
            }
            call.push(next);
        }
        if !call.is_empty() {
            self.sum_series(household_id, &call, with_rates, &mut sums).await?;
        }
        Ok(sums)
    }

    /// Calls the ledger once and appends the sums to those of their budgets.
    async fn sum_series(
        &self,
        household_id: Uuid,
        series: &[Series<'_>],
        with_rates: bool,
        sums: &mut [Vec<Spending>],
    ) -> Result<(), Error> {
        let request = pb::SumSpendingRequest {
            household_id: household_id.to_string(),
            series: series.iter().map(Series::request).collect(),
            with_rates,
        };
        let response = self.ledger.clone().sum_spending(request).await;
        let responses = response.map_err(|status| Error::Upstream("ledger", status))?.into_inner().sums;
        let mismatch = || Error::Internal("the response of the ledger does not match the request".into());
        if responses.len() != series.len() {
            return Err(mismatch());
        }
        for (series, response) in series.iter().zip(responses) {
            let sums =
                sums.get_mut(series.number).filter(|_| response.spending.len() == series.periods.len());
            let sums = sums.ok_or_else(mismatch)?;
            for spending in response.spending {
                let amount = parse_money(&spending.amount, series.budget.currency.code())?;
                sums.push(Spending { amount, rates: spending.rates, unpriced: spending.unpriced });
            }
        }
        Ok(())
    }
}

/// Limits a date to the latest one that is valid; no transaction is later.
fn clamp_date(day: NaiveDate) -> String {
    day.min(date::latest()).to_string()
}

/// Parses an amount that the ledger sent.
pub(super) fn parse_money(amount: &str, currency_code: &str) -> Result<Money, Error> {
    let money = Currency::from_code(currency_code).and_then(|currency| Money::parse(amount, currency));
    money.ok_or_else(|| Error::Internal("the ledger sent an amount that cannot be read".into()))
}
