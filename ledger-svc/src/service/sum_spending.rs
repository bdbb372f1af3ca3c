//! Sums what a household spent on categories in periods.
//!
//! In the household's currency it sums the household amounts of the transactions.
//! In another currency, amounts in that currency count unconverted, and each day's
//! spending in other currencies is converted at that day's rate.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use fintrac_money::{Currency, Household, Money};
use kit_core::error::FieldViolation;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::interval::Span;
use crate::domain::posting::Rejection;
use crate::domain::rate::{Quotes, Rate};
use crate::error::Error;
use crate::store::categories::CategoryNode;
use crate::store::daily_totals::{self, AccountDateRange, DailyTotal};
use crate::store::{categories, exchange_rates, households, nominal_accounts};

/// Maximum daily totals that one call reads.
const MAX_DAY_CHANGES: usize = 500_000;
/// Maximum additions of daily totals to periods: totals read times series.
const MAX_ADDITIONS: usize = 20_000_000;
/// Maximum amounts by day and currency that one call keeps.
const MAX_AMOUNTS_BY_DAY: usize = 200_000;

/// Categories with their descendants, in ascending periods without overlap.
#[derive(Debug, Clone)]
pub struct SpendingSeries {
    pub currency: Currency,
    pub category_ids: Vec<Uuid>,
    pub periods: Vec<Span>,
}

/// The spending of one period, in the currency of its series.
#[derive(Debug, Clone)]
pub struct Spending {
    pub amount: Money,
    /// The rates that were used, by day and currency of the spending.
    pub rates: Vec<(NaiveDate, Currency, Rate)>,
    /// Unpriced amounts, which `amount` excludes.
    ///
    /// They are by day, or by currency alone if rates were not requested.
    pub unpriced: Vec<(Option<NaiveDate>, Money)>,
}

impl Spending {
    fn zero(currency: Currency) -> Self {
        Self { amount: Money::zero(currency), rates: Vec::new(), unpriced: Vec::new() }
    }
}

/// The spending of a period by day and currency, in minor units.
///
/// The numbers are the household amount, the unpriced amount, and the amount in the
/// currency itself.
type DailyAmounts = BTreeMap<(NaiveDate, Currency), (i64, i64, i64)>;

impl LedgerUseCases {
    /// Returns one sum for each period of each series, in order.
    pub async fn sum_spending(
        &self,
        household_id: Uuid,
        series: Vec<SpendingSeries>,
        with_rates: bool,
    ) -> Result<Vec<Vec<Spending>>, Error> {
        let mut connection = self.pool.acquire().await?;
        // A household that the ledger does not know has spent nothing.
        let Some(household) = households::find(&mut connection, household_id).await? else {
            let nothing =
                |series: &SpendingSeries| vec![Spending::zero(series.currency); series.periods.len()];
            return Ok(series.iter().map(nothing).collect());
        };
        let tree = CategoryTree::new(categories::nodes(&mut connection, household_id).await?);
        let nominal = nominal_accounts::list_for_categories(&mut connection, household_id).await?;
        let currencies: HashMap<_, _> =
            nominal.iter().map(|account| (account.id, account.currency)).collect();
        let accounts_of = |series: &SpendingSeries| {
            let category_ids = tree.with_descendants(&series.category_ids);
            let accounts = nominal.iter().filter(|account| category_ids.contains(&account.category_id));
            accounts.map(|account| account.id).collect::<Vec<_>>()
        };
        let accounts: Vec<_> = series.iter().map(accounts_of).collect();
        let ranges = ranges(&series, &accounts);
        let read =
            daily_totals::list_ranges(&mut connection, household_id, &ranges, MAX_DAY_CHANGES + 1).await?;
        if read.len() > MAX_DAY_CHANGES {
            return Err(too_many_amounts());
        }
        let add = move || {
            let by_day = |series: &SpendingSeries| with_rates || series.currency != household.currency;
            let days = sum_by_period(&series, &accounts, &read, &currencies, by_day)?;
            Ok::<_, Error>((series, days))
        };
        let (series, days) = self.compute_pool.run(add).await??;
        let foreign = series.iter().zip(&days).filter(|(series, _)| series.currency != household.currency);
        let quote_keys = foreign.flat_map(|(series, periods)| {
            let keys = periods.iter().flat_map(BTreeMap::keys);
            keys.flat_map(|(day, currency)| [(*currency, *day), (series.currency, *day)])
        });
        let quote_keys: HashSet<_> = quote_keys.collect();
        let quotes = exchange_rates::newest(&mut connection, quote_keys.into_iter()).await?;
        drop(connection);
        let sum = |(series, periods): (&SpendingSeries, &Vec<DailyAmounts>)| {
            let sum = |days: &DailyAmounts| {
                let mut spending = if series.currency == household.currency {
                    sum_household_amounts(&household, days)?
                } else {
                    convert_daily_amounts(series.currency, days, &quotes)?
                };
                if !with_rates {
                    // The rates of hundreds of budgets over hundreds of days would exceed the
                    // maximum size of a response.
                    spending.rates.clear();
                    spending.unpriced = sum_by_currency(&spending.unpriced)?;
                }
                Ok(spending)
            };
            periods.iter().map(sum).collect()
        };
        series.iter().zip(&days).map(sum).collect()
    }
}

fn too_many_amounts() -> Error {
    let text = "The periods must contain fewer days and categories. Let budgets with rollover start later.";
    Error::query(vec![FieldViolation::parameter("periods", text)])
}

/// Returns the range of days to read for each account.
fn ranges(series: &[SpendingSeries], accounts: &[Vec<Uuid>]) -> Vec<AccountDateRange> {
    let mut ranges: BTreeMap<Uuid, Span> = BTreeMap::new();
    for (series, accounts) in series.iter().zip(accounts) {
        let (Some(first), Some(last)) = (series.periods.first(), series.periods.last()) else { continue };
        for account_id in accounts {
            let range = ranges.entry(*account_id).or_insert(Span { from: first.from, to: last.to });
            range.from = range.from.min(first.from);
            range.to = range.to.max(last.to);
        }
    }
    let range = |(account_id, Span { from, to })| AccountDateRange { account_id, from, to };
    ranges.into_iter().map(range).collect()
}

/// Adds each daily total to its period in each series.
///
/// `read` is sorted by account. Where days need not be distinguished, all count as
/// the period's first day.
fn sum_by_period(
    series: &[SpendingSeries],
    accounts: &[Vec<Uuid>],
    read: &[DailyTotal],
    currencies: &HashMap<Uuid, Currency>,
    by_day: impl Fn(&SpendingSeries) -> bool,
) -> Result<Vec<Vec<DailyAmounts>>, Error> {
    let rows_by_account = read.chunk_by(|one, next| one.account_id == next.account_id);
    let rows_by_account: HashMap<_, _> =
        rows_by_account.filter_map(|days| Some((days.first()?.account_id, days))).collect();
    let (mut additions, mut kept) = (0_usize, 0_usize);
    let mut sums = Vec::with_capacity(series.len());
    for (series, accounts) in series.iter().zip(accounts) {
        let mut periods = vec![DailyAmounts::new(); series.periods.len()];
        let by_day = by_day(series);
        for account_id in accounts {
            let (Some(days), Some(currency)) = (rows_by_account.get(account_id), currencies.get(account_id))
            else {
                continue;
            };
            additions = additions.saturating_add(days.len());
            if additions > MAX_ADDITIONS {
                return Err(too_many_amounts());
            }
            for change in *days {
                let number = series.periods.partition_point(|period| period.to < change.day);
                let span = series.periods.get(number).filter(|span| span.from <= change.day);
                let (Some(span), Some(period)) = (span, periods.get_mut(number)) else { continue };
                let day = if by_day { change.day } else { span.from };
                let sum = period.entry((day, *currency)).or_default();
                let parts = [
                    (&mut sum.0, change.household),
                    (&mut sum.1, change.unpriced),
                    (&mut sum.2, change.change),
                ];
                for (sum, part) in parts {
                    *sum = sum.checked_add(part).ok_or(Rejection::OutOfRange)?;
                }
            }
        }
        if by_day {
            kept = kept.saturating_add(periods.iter().map(BTreeMap::len).sum());
        }
        if kept > MAX_AMOUNTS_BY_DAY {
            return Err(too_many_amounts());
        }
        sums.push(periods);
    }
    Ok(sums)
}

/// Sums the stored household amounts.
fn sum_household_amounts(household: &Household, days: &DailyAmounts) -> Result<Spending, Error> {
    let mut spending = Spending::zero(household.currency);
    for ((day, currency), (amount, unpriced, _)) in days {
        let sum = spending.amount.minor().checked_add(*amount).ok_or(Rejection::OutOfRange)?;
        spending.amount = Money::new(sum, household.currency);
        if *unpriced != 0 {
            spending.unpriced.push((Some(*day), Money::new(*unpriced, *currency)));
        }
    }
    Ok(spending)
}

/// Converts each day's spending at that day's rate.
fn convert_daily_amounts(into: Currency, days: &DailyAmounts, quotes: &Quotes) -> Result<Spending, Error> {
    let mut spending = Spending::zero(into);
    for ((day, currency), (_, _, change)) in days {
        if *change == 0 {
            continue;
        }
        let spent = Money::new(*change, *currency);
        let converted = if *currency == into {
            Some(spent)
        } else {
            let rate = quotes.cross(*currency, into, *day);
            spending.rates.extend(rate.map(|rate| (*day, *currency, rate)));
            rate.and_then(|rate| rate.convert(spent, into))
        };
        match converted {
            Some(money) => {
                let sum = spending.amount.minor().checked_add(money.minor());
                spending.amount = Money::new(sum.ok_or(Rejection::OutOfRange)?, into);
            }
            None => spending.unpriced.push((Some(*day), spent)),
        }
    }
    Ok(spending)
}

/// Sums unpriced amounts by currency alone.
fn sum_by_currency(
    unpriced: &[(Option<NaiveDate>, Money)],
) -> Result<Vec<(Option<NaiveDate>, Money)>, Rejection> {
    let mut sums: BTreeMap<&str, Money> = BTreeMap::new();
    for (_, money) in unpriced {
        let sum = sums.entry(money.currency().code()).or_insert_with(|| Money::zero(money.currency()));
        *sum = sum.checked_add(*money).ok_or(Rejection::OutOfRange)?;
    }
    Ok(sums.into_values().map(|sum| (None, sum)).collect())
}

/// The category tree of a household: children by parent, and merge targets.
pub(super) struct CategoryTree {
    children: HashMap<Uuid, Vec<Uuid>>,
    merged: HashMap<Uuid, Uuid>,
}

impl CategoryTree {
    pub(super) fn new(nodes: Vec<CategoryNode>) -> Self {
        let (mut children, mut merged): (HashMap<_, Vec<Uuid>>, _) = (HashMap::new(), HashMap::new());
        for CategoryNode { id, parent_id, merged_into } in nodes {
            if let Some(target) = merged_into {
                merged.insert(id, target);
            } else if let Some(parent) = parent_id {
                children.entry(parent).or_default().push(id);
            }
        }
        Self { children, merged }
    }

    /// Returns all ids that count as a category, optionally with its descendants.
    pub(super) fn expand(&self, id: Uuid, children: bool) -> Vec<Uuid> {
        let target = self.resolve(id);
        let live = if children { self.with_descendants(&[target]) } else { HashSet::from([target]) };
        let merged = self.merged.iter().filter(|(_, into)| live.contains(into)).map(|(from, _)| *from);
        let mut ids: Vec<_> = live.iter().copied().chain(merged).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Returns the category into which `id` was merged, or `id` itself.
    pub(super) fn resolve(&self, id: Uuid) -> Uuid {
        *self.merged.get(&id).unwrap_or(&id)
    }

    /// Returns the categories and their descendants; merged ones count as their target.
    pub(super) fn with_descendants(&self, ids: &[Uuid]) -> HashSet<Uuid> {
        let mut left: Vec<_> = ids.iter().map(|id| self.resolve(*id)).collect();
        let mut found = HashSet::new();
        while let Some(id) = left.pop() {
            if found.insert(id) {
                left.extend(self.children.get(&id).into_iter().flatten());
            }
        }
        found
    }
}
