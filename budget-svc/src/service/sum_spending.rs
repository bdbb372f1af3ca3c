//! What the ledger says was spent.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use fintrac_kit::day;
use fintrac_money::{Currency, Money};
use fintrac_proto::ledger::v1 as pb;
use uuid::Uuid;

use super::Planning;
use crate::domain::budget::{Budget, Terms};
use crate::domain::period::Period;
use crate::error::Error;

/// Questions of one call: of fifty categories each they make a megabyte.
pub(super) const MAX_QUERIES: usize = 500;

/// Spending in one period of one budget.
#[derive(Debug, Clone)]
pub struct Spending {
    pub amount: Money,
    pub rates: Vec<pb::SpendingRate>,
    pub unpriced: Vec<pb::UnpricedSpending>,
}

/// What has no rate, by currency.
#[derive(Debug, Default)]
pub struct Unpriced(BTreeMap<String, Money>);

impl Unpriced {
    /// Adds amounts; one that cannot be read or would leave the range is left out.
    pub fn add(&mut self, unpriced: &[pb::UnpricedSpending]) {
        for it in unpriced {
            let Ok(amount) = said(&it.amount, &it.currency_code) else { continue };
            let zero = Money::zero(amount.currency());
            let sum = self.0.entry(it.currency_code.clone()).or_insert(zero);
            *sum = sum.checked_add(amount).unwrap_or(*sum);
        }
    }

    /// Adds what a period has, or begins again after one that leaves nothing to the next.
    pub fn carry(&mut self, budget: &Budget, period: Period, spending: &Spending) {
        if budget.carries_over(period) {
            self.add(&spending.unpriced);
        } else {
            self.0.clear();
        }
    }

    pub fn list(&self) -> Vec<pb::UnpricedSpending> {
        let one = |(code, amount): (&String, &Money)| pb::UnpricedSpending {
            date: String::new(),
            currency_code: code.clone(),
            amount: amount.to_string(),
        };
        self.0.iter().map(one).collect()
    }
}

/// What was spent under `terms` in `period`.
pub fn query(budget: &Budget, terms: &Terms, period: Period) -> pb::SpendingQuery {
    // Nothing is dated later, and later days cannot be said.
    let last = day::latest();
    let day = |day: NaiveDate| day.min(last).to_string();
    pb::SpendingQuery {
        currency_code: budget.currency.code().to_owned(),
        category_ids: terms.category_ids.iter().map(Uuid::to_string).collect(),
        from: day(period.start),
        to: day(period.end),
    }
}

impl Planning {
    /// One answer a question, in order.
    pub(super) async fn sum_spending(
        &self,
        household_id: Uuid,
        queries: Vec<pb::SpendingQuery>,
        with_rates: bool,
    ) -> Result<Vec<Spending>, Error> {
        let currencies: Vec<_> = queries.iter().map(|query| query.currency_code.clone()).collect();
        let mut spending = Vec::with_capacity(queries.len());
        for queries in queries.chunks(MAX_QUERIES) {
            let (household_id, queries) = (household_id.to_string(), queries.to_vec());
            let request = pb::SumSpendingRequest { household_id, queries, with_rates };
            let answer = self.ledger.clone().sum_spending(request).await;
            spending.extend(answer.map_err(|status| Error::Part("ledger", status))?.into_inner().spending);
        }
        if spending.len() != currencies.len() {
            return Err(Error::Internal("the ledger answered other questions".into()));
        }
        let read = |(spending, code): (pb::Spending, &String)| {
            let amount = said(&spending.amount, code)?;
            Ok(Spending { amount, rates: spending.rates, unpriced: spending.unpriced })
        };
        spending.into_iter().zip(&currencies).map(read).collect()
    }
}

/// An amount that the ledger said.
pub(super) fn said(amount: &str, currency_code: &str) -> Result<Money, Error> {
    let money = Currency::from_code(currency_code).and_then(|currency| Money::parse(amount, currency));
    money.ok_or_else(|| Error::Internal("the ledger sent an amount that cannot be read".into()))
}
