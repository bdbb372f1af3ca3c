//! Sums what recurring transactions will spend on categories.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{Days, NaiveDate};
use fintrac_money::{Amount, Currency, Money};
use kit_core::error::FieldViolation;
use uuid::Uuid;

use super::LedgerUseCases;
use super::sum_spending::CategoryTree;
use crate::domain::category::CategoryType;
use crate::domain::parse;
use crate::domain::posting::Rejection;
use crate::domain::rate::Quotes;
use crate::domain::recurring::{Recurring, RecurringStatus};
use crate::domain::transaction::TransactionType;
use crate::error::Error;
use crate::store::{accounts, categories, exchange_rates, households, recurring};

/// Maximum days ahead for which occurrences are computed.
const MAX_DAYS_AHEAD: u64 = 400;

/// Categories with their descendants, and a span that includes both days.
#[derive(Debug, Clone)]
pub struct SpendingQuery {
    pub currency: Currency,
    pub category_ids: Vec<Uuid>,
    pub from: NaiveDate,
    pub to: NaiveDate,
}

/// Maximum additions of amounts to queries in one call.
const MAX_ADDITIONS: usize = 20_000_000;

/// Amounts by category, then by day and currency; negative for refunds.
type UpcomingByCategory = HashMap<Uuid, BTreeMap<(NaiveDate, Currency), i64>>;

impl LedgerUseCases {
    /// Sums the occurrences from `from` on by day, for each query.
    ///
    /// Sums are in the query's currency, at the rates of `from`.
    pub async fn list_upcoming_spending(
        &self,
        household_id: Uuid,
        from: NaiveDate,
        queries: Vec<SpendingQuery>,
    ) -> Result<Vec<BTreeMap<NaiveDate, Money>>, Error> {
        let mut connection = self.pool.acquire().await?;
        if households::find(&mut connection, household_id).await?.is_none() {
            return Ok(queries.iter().map(|_| BTreeMap::new()).collect());
        }
        let all = recurring::list(&mut connection, household_id, None, i64::MAX).await?;
        let accounts = accounts::all(&mut connection, household_id).await?;
        let currencies: HashMap<_, _> =
            accounts.iter().map(|account| (account.id.to_string(), account.currency())).collect();
        let tree = CategoryTree::new(categories::nodes(&mut connection, household_id).await?);
        let expenses =
            categories::list_ids_by_type(&mut connection, household_id, CategoryType::Expense).await?;
        drop(connection);
        let last = from.checked_add_days(Days::new(MAX_DAYS_AHEAD)).unwrap_or(from);
        let last = queries.iter().map(|query| query.to).max().map_or(from, |to| to.min(last));
        let add = move || {
            let mut upcoming = UpcomingByCategory::new();
            for recurring in all.iter().filter(|recurring| recurring.status == RecurringStatus::Active) {
                let category_amounts = category_amounts(recurring, &currencies, &expenses, &tree);
                add_occurrences(recurring, &category_amounts, (from, last), &mut upcoming)?;
            }
            Ok::<_, Error>((upcoming, tree))
        };
        let (upcoming, tree) = self.compute_pool.run(add).await??;
        let currencies = upcoming.values().flat_map(BTreeMap::keys).map(|(_, currency)| *currency);
        let quote_keys =
            currencies.chain(queries.iter().map(|query| query.currency)).map(|currency| (currency, from));
        let quote_keys: HashSet<_> = quote_keys.collect();
        let quotes = exchange_rates::newest(&mut *self.pool.acquire().await?, quote_keys.into_iter()).await?;
        let sum = move || {
            let mut additions = 0;
            let sum = |query: &SpendingQuery| sum(query, &tree, &upcoming, (&quotes, from), &mut additions);
            queries.iter().map(sum).collect()
        };
        self.compute_pool.run(sum).await?
    }
}

/// Returns the amounts that one occurrence posts on expense categories.
fn category_amounts(
    recurring: &Recurring,
    currencies: &HashMap<String, Currency>,
    expenses: &[Uuid],
    tree: &CategoryTree,
) -> Vec<(Uuid, Money)> {
    let template = &recurring.template;
    let refunds = match parse(&template.transaction_type) {
        Some(TransactionType::Expense) => false,
        Some(TransactionType::Income) => true,
        _ => return Vec::new(),
    };
    let stated = template.currency_code.as_deref().and_then(Currency::from_code);
    let Some(currency) = stated.or_else(|| currencies.get(&template.account_id).copied()) else {
        return Vec::new();
    };
    let category_amount = |category_id: &str, amount: &str| {
        let category_id = Uuid::parse_str(category_id).ok().filter(|id| expenses.contains(id))?;
        let amount = Amount::parse(amount).and_then(|amount| amount.in_currency(currency)).ok()?;
        Some((tree.resolve(category_id), if refunds { amount.negated() } else { amount }))
    };
    match &template.category_id {
        Some(category_id) => category_amount(category_id, &template.amount).into_iter().collect(),
        None => template
            .splits
            .iter()
            .filter_map(|split| category_amount(&split.category_id, &split.amount))
            .collect(),
    }
}

/// Adds the amounts of one recurring transaction's occurrences in a span.
fn add_occurrences(
    recurring: &Recurring,
    category_amounts: &[(Uuid, Money)],
    (from, last): (NaiveDate, NaiveDate),
    upcoming: &mut UpcomingByCategory,
) -> Result<(), Rejection> {
    let Some(next) = recurring.next.filter(|_| !category_amounts.is_empty()) else { return Ok(()) };
    let days = recurring.schedule.occurrences(next).map(|occurrence| recurring.schedule.date_of(occurrence));
    for day in days.take_while(|day| *day <= last).filter(|day| *day >= from) {
        for (category_id, amount) in category_amounts {
            let sums = upcoming.entry(*category_id).or_default();
            let sum = sums.entry((day, amount.currency())).or_default();
            *sum = sum.checked_add(amount.minor()).ok_or(Rejection::OutOfRange)?;
        }
    }
    Ok(())
}

/// Sums one query by day, in its currency at the rates of `day`.
fn sum(
    query: &SpendingQuery,
    tree: &CategoryTree,
    upcoming: &UpcomingByCategory,
    (quotes, day): (&Quotes, NaiveDate),
    additions: &mut usize,
) -> Result<BTreeMap<NaiveDate, Money>, Error> {
    let mut days: BTreeMap<NaiveDate, Money> = BTreeMap::new();
    for category_id in tree.with_descendants(&query.category_ids) {
        let Some(sums) = upcoming.get(&category_id) else { continue };
        *additions = additions.saturating_add(sums.len());
        if *additions > MAX_ADDITIONS {
            let text = "The periods must contain fewer due occurrences. Delete recurring transactions.";
            return Err(Error::query(vec![FieldViolation::parameter("queries", text)]));
        }
        let in_query = sums.iter().filter(|((day, _), _)| (query.from..=query.to).contains(day));
        for ((due, currency), minor) in in_query {
            let amount = Money::new(*minor, *currency);
            let converted = if *currency == query.currency {
                Some(amount)
            } else {
                let rate = quotes.cross(*currency, query.currency, day);
                rate.and_then(|rate| rate.convert(amount, query.currency))
            };
            let Some(amount) = converted else { continue };
            let sum = days.entry(*due).or_insert_with(|| Money::zero(query.currency));
            *sum = sum.checked_add(amount).ok_or(Rejection::OutOfRange)?;
        }
    }
    Ok(days)
}
