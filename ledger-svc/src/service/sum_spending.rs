//! What a household spent on categories, many questions at once.
//!
//! In the household's currency this sums what was frozen on the transactions.
//! In another what was said in it counts as said, and each day's spending in
//! other currencies is converted at that day's rate.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use fintrac_money::{Currency, Money};
use uuid::Uuid;

use super::Ledger;
use crate::domain::posting::Rejection;
use crate::domain::rate::Rate;
use crate::error::Error;
use crate::store::categories::Place;
use crate::store::daily_changes::{self, Span};
use crate::store::{categories, exchange_rates, households, nominal_accounts};

/// One question: categories with all below them, both days included.
#[derive(Debug, Clone)]
pub struct SpendingQuery {
    pub currency: Currency,
    pub category_ids: Vec<Uuid>,
    pub from: NaiveDate,
    pub to: NaiveDate,
}

/// One answer, in the currency of its question.
#[derive(Debug, Clone)]
pub struct Spending {
    pub amount: Money,
    /// What was spent on these days in these currencies was converted so.
    pub rates: Vec<(NaiveDate, Currency, Rate)>,
    /// What could not be converted and is not in the amount: by day, or without
    /// rates by currency alone.
    pub unpriced: Vec<(Option<NaiveDate>, Money)>,
}

impl Ledger {
    pub async fn sum_spending(
        &self,
        household_id: Uuid,
        queries: &[SpendingQuery],
        with_rates: bool,
    ) -> Result<Vec<Spending>, Error> {
        let mut connection = self.pool.acquire().await?;
        let nothing = |query: &SpendingQuery| Spending {
            amount: Money::new(0, query.currency),
            rates: Vec::new(),
            unpriced: Vec::new(),
        };
        let mut answers: Vec<_> = queries.iter().map(nothing).collect();
        // A household that the ledger has not met has spent nothing.
        let Some(household) = households::find(&mut connection, household_id).await? else {
            return Ok(answers);
        };
        let tree = CategoryTree::new(categories::places(&mut connection, household_id).await?);
        let nominal = nominal_accounts::of_categories(&mut connection, household_id).await?;
        let (mut frozen, mut foreign) = (Vec::new(), Vec::new());
        for (number, query) in queries.iter().enumerate() {
            let wanted = tree.with_all_below(&query.category_ids);
            let accounts = nominal.iter().filter(|it| wanted.contains(&it.category_id));
            let spans = accounts.map(|it| Span { number, account_id: it.id, from: query.from, to: query.to });
            if query.currency == household.currency { &mut frozen } else { &mut foreign }.extend(spans);
        }
        let currencies: HashMap<_, _> = nominal.iter().map(|it| (it.id, it.currency)).collect();
        for sum in daily_changes::household_sums(&mut connection, household_id, &frozen).await? {
            let (answer, currency) = (answers.get_mut(sum.number), currencies.get(&sum.account_id));
            let (Some(answer), Some(currency)) = (answer, currency) else { continue };
            let amount = answer.amount.checked_add(Money::new(sum.household, household.currency));
            answer.amount = amount.ok_or(Rejection::OutOfRange)?;
            if !with_rates && sum.unpriced != 0 {
                answer.unpriced.push((None, Money::new(sum.unpriced, *currency)));
            }
        }
        if with_rates {
            let unpriced =
                daily_changes::unpriced_sums_by_day(&mut connection, household_id, &frozen).await?;
            for ((number, day, currency), sum) in by_currency(unpriced, &currencies)? {
                if let Some(answer) = answers.get_mut(number) {
                    answer.unpriced.push((Some(day), Money::new(sum, currency)));
                }
            }
        }
        let days = daily_changes::sums_by_day(&mut connection, household_id, &foreign).await?;
        let spent = by_currency(days, &currencies)?;
        let wanted = spent.keys().filter_map(|(number, day, currency)| {
            Some([(*currency, *day), (queries.get(*number)?.currency, *day)])
        });
        let wanted: HashSet<_> = wanted.flatten().collect();
        let quotes = exchange_rates::newest(&mut connection, wanted.into_iter()).await?;
        for ((number, day, currency), change) in spent {
            let Some(answer) = answers.get_mut(number) else { continue };
            let (spent, into) = (Money::new(change, currency), answer.amount.currency());
            let converted = if currency == into {
                Some(spent)
            } else {
                let rate = quotes.cross(currency, into, day);
                answer.rates.extend(rate.map(|rate| (day, currency, rate)));
                rate.and_then(|rate| rate.convert(spent, into))
            };
            match converted {
                Some(money) => {
                    let sum = answer.amount.minor().checked_add(money.minor());
                    answer.amount = Money::new(sum.ok_or(Rejection::OutOfRange)?, into);
                }
                None => answer.unpriced.push((Some(day), spent)),
            }
        }
        if !with_rates {
            // Hundreds of budgets over hundreds of days would be more than one answer holds.
            for answer in &mut answers {
                answer.rates.clear();
                answer.unpriced = totals(&answer.unpriced)?;
            }
        }
        Ok(answers)
    }
}

/// Sums by currency alone.
fn totals(unpriced: &[(Option<NaiveDate>, Money)]) -> Result<Vec<(Option<NaiveDate>, Money)>, Rejection> {
    let mut sums: BTreeMap<&str, Money> = BTreeMap::new();
    for (_, money) in unpriced {
        let sum = sums.entry(money.currency().code()).or_insert_with(|| Money::zero(money.currency()));
        *sum = sum.checked_add(*money).ok_or(Rejection::OutOfRange)?;
    }
    Ok(sums.into_values().map(|sum| (None, sum)).collect())
}

/// Sums by number, day and currency, of sums by number, account and day.
fn by_currency(
    rows: Vec<(usize, Uuid, NaiveDate, i64)>,
    currencies: &HashMap<Uuid, Currency>,
) -> Result<BTreeMap<(usize, NaiveDate, Currency), i64>, Rejection> {
    let mut sums: BTreeMap<_, i64> = BTreeMap::new();
    for (number, account_id, day, change) in rows {
        let Some(currency) = currencies.get(&account_id) else { continue };
        let sum = sums.entry((number, day, *currency)).or_default();
        *sum = sum.checked_add(change).ok_or(Rejection::OutOfRange)?;
    }
    Ok(sums)
}

/// The categories of a household, by what is above them.
pub(super) struct CategoryTree {
    below: HashMap<Uuid, Vec<Uuid>>,
    merged: HashMap<Uuid, Uuid>,
}

impl CategoryTree {
    pub(super) fn new(places: Vec<Place>) -> Self {
        let (mut below, mut merged): (HashMap<_, Vec<Uuid>>, _) = (HashMap::new(), HashMap::new());
        for Place { id, parent_id, merged_into } in places {
            if let Some(target) = merged_into {
                merged.insert(id, target);
            } else if let Some(parent) = parent_id {
                below.entry(parent).or_default().push(id);
            }
        }
        Self { below, merged }
    }

    /// All ids that count as one category, with or without those below it.
    pub(super) fn expand(&self, id: Uuid, children: bool) -> Vec<Uuid> {
        let target = self.target(id);
        let live = if children { self.with_all_below(&[target]) } else { HashSet::from([target]) };
        let merged = self.merged.iter().filter(|(_, into)| live.contains(into)).map(|(from, _)| *from);
        let mut ids: Vec<_> = live.iter().copied().chain(merged).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The category that one went over into, or itself.
    pub(super) fn target(&self, id: Uuid) -> Uuid {
        *self.merged.get(&id).unwrap_or(&id)
    }

    /// One that went over into another one is that one.
    pub(super) fn with_all_below(&self, ids: &[Uuid]) -> HashSet<Uuid> {
        let mut left: Vec<_> = ids.iter().map(|id| self.target(*id)).collect();
        let mut found = HashSet::new();
        while let Some(id) = left.pop() {
            if found.insert(id) {
                left.extend(self.below.get(&id).into_iter().flatten());
            }
        }
        found
    }
}
