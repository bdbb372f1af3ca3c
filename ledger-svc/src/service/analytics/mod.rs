//! Analyzes a household's finances from its daily totals.
//!
//! Sums are in the household's currency and in each currency separately.

mod categories;
mod income_expense;
mod net_worth;
mod patterns;
mod pool;
mod spending;

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use fintrac_money::{Currency, Household, Money};
use sqlx::PgConnection;
use uuid::Uuid;

pub use categories::CategoryAnalysis;
pub use income_expense::IncomeExpense;
pub use net_worth::NetWorth;
pub use patterns::UnusualCategory;
pub(super) use pool::AnalysisPool;
pub use spending::SpendingGroup;

use crate::domain::interval::Span;
use crate::domain::posting::{DailyDelta, Rejection};
use crate::error::Error;
use crate::store::analytics::{self, FlowDirection, NominalAccount};
use crate::store::categories as stored;

/// A sum in the household's currency, and its parts by currency.
#[derive(Debug, Clone)]
pub struct Sum {
    pub amount: Money,
    pub by_currency: BTreeMap<&'static str, Money>,
    /// Amounts without a value in the household's currency, which `amount` excludes.
    pub unpriced: CurrencyAmounts,
}

/// Parts of a sum by currency code.
pub type CurrencyAmounts = BTreeMap<&'static str, Money>;

/// Adds minor units to the part of their currency.
fn add_amount(parts: &mut CurrencyAmounts, currency: Currency, minor: i64) -> Result<(), Rejection> {
    let part = parts.entry(currency.code()).or_insert_with(|| Money::zero(currency));
    *part = part.checked_add(Money::new(minor, currency)).ok_or(Rejection::OutOfRange)?;
    Ok(())
}

impl Sum {
    pub(super) fn zero(household: Currency) -> Self {
        Self { amount: Money::zero(household), by_currency: BTreeMap::new(), unpriced: BTreeMap::new() }
    }

    /// Adds up sums in the household's currency.
    pub(super) fn total<'a>(
        household: Currency,
        sums: impl IntoIterator<Item = &'a Self>,
    ) -> Result<Self, Rejection> {
        let mut total = Self::zero(household);
        sums.into_iter().try_for_each(|sum| total.add_signed(sum, 1))?;
        Ok(total)
    }

    /// Returns whether the sum is zero in every currency.
    fn is_zero(&self) -> bool {
        self.amount.is_zero() && self.by_currency.values().all(|part| part.is_zero())
    }

    /// Adds a change of an account in `currency`.
    fn add(&mut self, currency: Currency, delta: DailyDelta) -> Result<(), Rejection> {
        let worth = Money::new(delta.household, self.amount.currency());
        self.amount = self.amount.checked_add(worth).ok_or(Rejection::OutOfRange)?;
        add_amount(&mut self.by_currency, currency, delta.change)?;
        if delta.unpriced != 0 {
            add_amount(&mut self.unpriced, currency, delta.unpriced)?;
        }
        Ok(())
    }

    /// Returns the average over a number of days, rounded down.
    fn average_over(&self, days: u64) -> Self {
        let days = i64::try_from(days).unwrap_or(i64::MAX).max(1);
        let each = |money: &Money| Money::new(money.minor().div_euclid(days), money.currency());
        let parts =
            |parts: &CurrencyAmounts| parts.iter().map(|(code, money)| (*code, each(money))).collect();
        Self {
            amount: each(&self.amount),
            by_currency: parts(&self.by_currency),
            unpriced: parts(&self.unpriced),
        }
    }

    pub(super) fn add_signed(&mut self, other: &Self, sign: i64) -> Result<(), Rejection> {
        let times = |money: Money| money.minor().checked_mul(sign).ok_or(Rejection::OutOfRange);
        let household = Money::new(times(other.amount)?, self.amount.currency());
        self.amount = self.amount.checked_add(household).ok_or(Rejection::OutOfRange)?;
        for part in other.by_currency.values() {
            add_amount(&mut self.by_currency, part.currency(), times(*part)?)?;
        }
        for part in other.unpriced.values() {
            add_amount(&mut self.unpriced, part.currency(), times(*part)?)?;
        }
        Ok(())
    }
}

/// Formats a percentage with one decimal; `None` if the whole is zero.
fn percent(part: i64, whole: i64) -> Option<String> {
    let permille = i128::from(part).checked_mul(1000)?.checked_div(i128::from(whole))?;
    let sign = if permille < 0 { "-" } else { "" };
    let permille = permille.unsigned_abs();
    Some(format!("{sign}{}.{}", permille / 10, permille % 10))
}

/// The names and parents of categories.
#[derive(Debug, Default)]
struct CategoryNames(HashMap<Uuid, (String, Option<Uuid>)>);

impl CategoryNames {
    async fn load(connection: &mut PgConnection, household_id: Uuid) -> Result<Self, sqlx::Error> {
        let names = stored::names(connection, household_id).await?;
        let nodes = stored::nodes(connection, household_id).await?;
        let parents: HashMap<_, _> =
            nodes.into_iter().map(|category| (category.id, category.parent_id)).collect();
        let known = names.into_iter().map(|(id, name)| (id, (name, parents.get(&id).copied().flatten())));
        Ok(Self(known.collect()))
    }

    fn name(&self, id: Option<Uuid>) -> String {
        id.and_then(|id| self.0.get(&id)).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn parent(&self, id: Option<Uuid>) -> Option<Uuid> {
        id.and_then(|id| self.0.get(&id)).and_then(|(_, parent)| *parent)
    }
}

/// Sums one side by category in a span, with the signs that users see.
async fn by_category(
    connection: &mut PgConnection,
    household: &Household,
    nominal: &[NominalAccount],
    side: FlowDirection,
    span: Span,
) -> Result<HashMap<Option<Uuid>, Sum>, Error> {
    let (ids, accounts) = accounts_on(nominal, side);
    let mut sums = HashMap::new();
    for total in analytics::totals(connection, household.id, &ids, span, None).await? {
        let Some(account) = accounts.get(&total.account_id) else { continue };
        let sum = sums.entry(account.category_id).or_insert_with(|| Sum::zero(household.currency));
        sum.add(account.currency, total.delta.times(display_sign(side)))?;
    }
    Ok(sums)
}

/// Returns the nominal accounts on a side: their ids, and the accounts by id.
fn accounts_on(
    nominal: &[NominalAccount],
    side: FlowDirection,
) -> (Vec<Uuid>, HashMap<Uuid, &NominalAccount>) {
    let accounts = nominal.iter().filter(|account| account.side == side);
    accounts.map(|account| (account.id, (account.id, account))).unzip()
}

/// Returns the index of the interval that begins on `start`, or later if it is cut.
fn index_of(spans: &[Span], start: NaiveDate) -> usize {
    spans.partition_point(|span| span.to < start)
}

/// Returns the sign for display: postings of income are negative.
fn display_sign(side: FlowDirection) -> i64 {
    match side {
        FlowDirection::Expense => 1,
        FlowDirection::Income | FlowDirection::Other => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn shares_have_one_decimal() {
        assert_eq!(percent(1, 3).as_deref(), Some("33.3"));
        assert_eq!(percent(-5, 200).as_deref(), Some("-2.5"));
        assert_eq!(percent(-1, 2000).as_deref(), Some("0.0"));
        assert_eq!(percent(i64::MAX, 1).as_deref(), Some("922337203685477580700.0"));
        assert_eq!(percent(1, 0), None);
    }
}
