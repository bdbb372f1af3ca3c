//! Analyzes patterns: spending by weekday, large expenses, unusual categories.

use std::collections::{HashMap, HashSet};

use chrono::Datelike as _;
use fintrac_money::Money;
use kit_access::RequestContext;
use uuid::Uuid;

use super::{CategoryNames, CurrencyAmounts, Sum, accounts_on, by_category, percent};
use crate::domain::interval::Span;
use crate::domain::transaction::{Transaction, TransactionType};
use crate::error::Error;
use crate::service::LedgerUseCases;
use crate::service::query_parser::QueryParser;
use crate::store::analytics::{self, FlowDirection};
use crate::store::transactions::{self, Filter, Sort};

const MAX_LARGEST_EXPENSES: i64 = 5;
/// Previous spans whose average counts as usual.
const PREVIOUS_SPANS: i64 = 3;

/// A category whose spending is at most 50 or at least 150 percent of the usual.
#[derive(Debug)]
pub struct UnusualCategory {
    pub id: Option<Uuid>,
    pub name: String,
    pub amount: Sum,
    pub usual: Money,
    /// Unpriced amounts of the previous spans.
    pub usual_unpriced: CurrencyAmounts,
    pub change_percent: String,
}

#[derive(Debug)]
pub struct Patterns {
    pub span: Span,
    /// Average spending on each weekday, from Monday on.
    pub weekdays: Vec<Sum>,
    pub largest: Vec<Transaction>,
    pub unusual: Vec<UnusualCategory>,
}

impl LedgerUseCases {
    pub async fn analyze_patterns(
        &self,
        ctx: &RequestContext,
        span: (&str, &str),
    ) -> Result<Patterns, Error> {
        let household = self.household(ctx).await?;
        let mut query = QueryParser::default();
        let span = self.parse_span_or_current_month(&household, span, &mut query);
        let span = query.finish(span)?;
        let (_permit, mut connection) = self.analyses.acquire(household.id).await?;
        let nominal = analytics::nominal_accounts(&mut connection, household.id).await?;
        let (ids, expenses) = accounts_on(&nominal, FlowDirection::Expense);
        let mut spent = vec![Sum::zero(household.currency); 7];
        let totals = analytics::by_weekday(&mut connection, household.id, &ids, span).await?;
        for (weekday, account_id, delta) in totals {
            let index = usize::try_from(weekday).ok().and_then(|weekday| weekday.checked_sub(1));
            let day = index.and_then(|index| spent.get_mut(index));
            if let Some((day, account)) = day.zip(expenses.get(&account_id)) {
                day.add(account.currency, delta)?;
            }
        }
        let average = |(weekday, sum): (i32, Sum)| sum.average_over(count_weekday(span, weekday));
        let weekdays = (1..).zip(spent).map(average).collect();
        let filter = Filter {
            transaction_type: Some(TransactionType::Expense),
            from: Some(span.from),
            to: Some(span.to),
            sort: Sort::Amount,
            ..Filter::default()
        };
        let largest =
            transactions::list(&mut connection, household.id, &filter, None, MAX_LARGEST_EXPENSES).await?;

        let now = by_category(&mut connection, &household, &nominal, FlowDirection::Expense, span).await?;
        let mut before: HashMap<Option<Uuid>, Sum> = HashMap::new();
        let mut earlier = span;
        for _ in 0..PREVIOUS_SPANS {
            let Some(span) = earlier.previous() else { break };
            earlier = span;
            for (id, sum) in
                by_category(&mut connection, &household, &nominal, FlowDirection::Expense, span).await?
            {
                before.entry(id).or_insert_with(|| Sum::zero(household.currency)).add_signed(&sum, 1)?;
            }
        }
        let names = CategoryNames::load(&mut connection, household.id).await?;
        let ids: HashSet<_> = now.keys().chain(before.keys()).copied().collect();
        let mut unusual: Vec<_> = ids
            .into_iter()
            .filter_map(|id| {
                let sum = now.get(&id).cloned().unwrap_or_else(|| Sum::zero(household.currency));
                let amount = sum.amount.minor();
                let earlier = before.get(&id)?;
                let usual = earlier.amount.minor().checked_div(PREVIOUS_SPANS)?;
                let change = amount.checked_sub(usual)?;
                let is_unusual = usual > 0 && change.saturating_abs().saturating_mul(2) >= usual;
                is_unusual.then(|| UnusualCategory {
                    id,
                    name: names.name(id),
                    amount: sum,
                    usual: Money::new(usual, household.currency),
                    usual_unpriced: earlier.unpriced.clone(),
                    change_percent: percent(change, usual).unwrap_or_default(),
                })
            })
            .collect();
        unusual.sort_by_key(|category| {
            let change =
                category.amount.amount.minor().saturating_sub(category.usual.minor()).saturating_abs();
            (std::cmp::Reverse(change), category.id)
        });
        Ok(Patterns { span, weekdays, largest, unusual })
    }
}

/// Counts the days of a span that are on `weekday`; 1 is Monday.
fn count_weekday(span: Span, weekday: i32) -> u64 {
    let first = i32::try_from(span.from.weekday().number_from_monday()).unwrap_or_default();
    let until = u64::try_from((weekday - first).rem_euclid(7)).unwrap_or_default();
    if span.days() <= until { 0 } else { (span.days() - until - 1) / 7 + 1 }
}

#[cfg(test)]
mod tests {
    use super::count_weekday;
    use crate::domain::interval::Span;

    #[test]
    fn weekdays_are_counted() {
        let day = |text: &str| text.parse().expect(text);
        // 1 February 2026 is a Sunday.
        let february = Span { from: day("2026-02-01"), to: day("2026-02-28") };
        assert!((1..=7).all(|weekday| count_weekday(february, weekday) == 4));
        let few = Span { from: day("2026-02-01"), to: day("2026-02-09") };
        let counts: Vec<_> = (1..=7).map(|weekday| count_weekday(few, weekday)).collect();
        assert_eq!(counts, [2, 1, 1, 1, 1, 1, 2]);
    }
}
