//! What recurring transactions will spend on categories.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};
use fintrac_money::{Amount, Currency, Money};
use uuid::Uuid;

use super::Ledger;
use super::sum_spending::{CategoryTree, SpendingQuery};
use crate::domain::category::CategoryType;
use crate::domain::posting::Rejection;
use crate::domain::recurring::{Recurring, Status};
use crate::domain::transaction::TransactionType;
use crate::error::Error;
use crate::store::{accounts, categories, exchange_rates, households, recurring};

/// How far ahead occurrences are looked for, days.
const MAX_DAYS_AHEAD: u64 = 400;

/// One amount that an occurrence will book on a category.
struct Upcoming {
    category_id: Uuid,
    day: NaiveDate,
    /// Below zero for a refund.
    amount: Money,
}

impl Ledger {
    /// Sums for each query the occurrences from `from` on, by day, in the query's currency.
    pub async fn list_upcoming_spending(
        &self,
        household_id: Uuid,
        from: NaiveDate,
        queries: &[SpendingQuery],
    ) -> Result<Vec<BTreeMap<NaiveDate, Money>>, Error> {
        let mut connection = self.pool.acquire().await?;
        if households::find(&mut connection, household_id).await?.is_none() {
            return Ok(queries.iter().map(|_| BTreeMap::new()).collect());
        }
        let all = recurring::list(&mut connection, household_id, None, i64::MAX).await?;
        let accounts = accounts::all(&mut connection, household_id).await?;
        let currencies: HashMap<_, _> =
            accounts.iter().map(|it| (it.id.to_string(), it.currency())).collect();
        let tree = CategoryTree::new(categories::places(&mut connection, household_id).await?);
        let expenses: Vec<_> =
            categories::of_type(&mut connection, household_id, CategoryType::Expense).await?;
        let last = from.checked_add_days(Days::new(MAX_DAYS_AHEAD)).unwrap_or(from);
        let last = queries.iter().map(|query| query.to).max().map_or(from, |to| to.min(last));
        let active = all.iter().filter(|it| it.status == Status::Active);
        let upcoming: Vec<_> =
            active.flat_map(|it| occurrences(it, &currencies, &expenses, from, last)).collect();
        let wanted = upcoming.iter().map(|it| it.amount.currency());
        let wanted =
            wanted.chain(queries.iter().map(|query| query.currency)).map(|currency| (currency, from));
        let wanted: std::collections::HashSet<_> = wanted.collect();
        let quotes = exchange_rates::newest(&mut connection, wanted.into_iter()).await?;
        drop(connection);
        let sum = |query: &SpendingQuery| {
            let categories = tree.with_all_below(&query.category_ids);
            let mut days: BTreeMap<NaiveDate, Money> = BTreeMap::new();
            for it in upcoming.iter().filter(|it| categories.contains(&tree.target(it.category_id))) {
                if !(query.from..=query.to).contains(&it.day) {
                    continue;
                }
                let converted = if it.amount.currency() == query.currency {
                    Some(it.amount)
                } else {
                    let rate = quotes.cross(it.amount.currency(), query.currency, from);
                    rate.and_then(|rate| rate.convert(it.amount, query.currency))
                };
                let Some(amount) = converted else { continue };
                let day = days.entry(it.day).or_insert_with(|| Money::zero(query.currency));
                *day = day.checked_add(amount).ok_or(Rejection::OutOfRange)?;
            }
            Ok(days)
        };
        queries.iter().map(sum).collect()
    }
}

/// What the occurrences of one recurring transaction book on expense categories.
fn occurrences(
    it: &Recurring,
    currencies: &HashMap<String, Currency>,
    expenses: &[Uuid],
    from: NaiveDate,
    last: NaiveDate,
) -> Vec<Upcoming> {
    let template = &it.template;
    let refunds = match TransactionType::from_text(&template.transaction_type) {
        Some(TransactionType::Expense) => false,
        Some(TransactionType::Income) => true,
        _ => return Vec::new(),
    };
    let stated = template.currency_code.as_deref().and_then(Currency::from_code);
    let Some(currency) = stated.or_else(|| currencies.get(&template.account_id).copied()) else {
        return Vec::new();
    };
    let part = |category_id: &str, amount: &str| {
        let category_id = Uuid::parse_str(category_id).ok().filter(|id| expenses.contains(id))?;
        let amount = Amount::parse(amount).and_then(|amount| amount.in_currency(currency)).ok()?;
        Some((category_id, if refunds { amount.negated() } else { amount }))
    };
    let parts: Vec<_> = match &template.category_id {
        Some(category_id) => part(category_id, &template.amount).into_iter().collect(),
        None => template.splits.iter().filter_map(|it| part(&it.category_id, &it.amount)).collect(),
    };
    let Some(next) = it.next.filter(|_| !parts.is_empty()) else { return Vec::new() };
    let days = it.schedule.occurrences(next).map(|occurrence| it.schedule.dated(occurrence));
    let days = days.take_while(|day| *day <= last).filter(|day| *day >= from);
    days.flat_map(|day| parts.iter().map(move |(category_id, amount)| (*category_id, day, *amount)))
        .map(|(category_id, day, amount)| Upcoming { category_id, day, amount })
        .collect()
}
