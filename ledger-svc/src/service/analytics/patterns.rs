//! Habits: how much a day of the week costs, what was large, what is unusual.

use std::collections::{HashMap, HashSet};

use chrono::Datelike as _;
use fintrac_kit::access::By;
use fintrac_money::Money;
use uuid::Uuid;

use super::{Names, Part, Parts, Sum, by_category, percent};
use crate::domain::interval::Span;
use crate::domain::transaction::{Transaction, TransactionType};
use crate::error::Error;
use crate::service::Ledger;
use crate::store::analytics::{self, Side};
use crate::store::transactions::{self, Filter, Sort};

/// Expenses that are told.
const LARGEST: i64 = 5;
/// Spans before that say what is usual.
const SPANS: i64 = 3;

/// A category whose spending is at most half or at least one and a half of the usual.
#[derive(Debug)]
pub struct Unusual {
    pub id: Option<Uuid>,
    pub name: String,
    pub amount: Sum,
    pub usual: Money,
    /// What of the spans before could not be converted.
    pub usual_unpriced: Parts,
    pub change_percent: String,
}

#[derive(Debug)]
pub struct Patterns {
    pub span: Span,
    /// From Monday on: spent on such a day, on average.
    pub weekdays: Vec<Sum>,
    pub largest: Vec<Transaction>,
    pub unusual: Vec<Unusual>,
}

impl Ledger {
    pub async fn analyze_patterns(&self, by: &By, span: (&str, &str)) -> Result<Patterns, Error> {
        let household = self.household(by).await?;
        let mut violations = Vec::new();
        let span = self.month_or(&household, span, &mut violations).ok_or(Error::Query(violations))?;
        let mut connection = self.analyses.acquire(household.id).await?;
        let nominal = analytics::nominal(&mut connection, household.id).await?;
        let of_accounts: HashMap<_, _> =
            nominal.iter().filter(|it| it.side == Side::Expense).map(|it| (it.id, it.currency)).collect();
        let ids: Vec<_> = of_accounts.keys().copied().collect();
        let mut spent = vec![Sum::zero(household.currency); 7];
        for it in analytics::by_weekday(&mut connection, household.id, &ids, span).await? {
            let at = usize::try_from(it.weekday).ok().and_then(|weekday| weekday.checked_sub(1));
            let day = at.and_then(|at| spent.get_mut(at));
            if let Some((day, currency)) = day.zip(of_accounts.get(&it.account_id)) {
                day.add(Part {
                    currency: *currency,
                    native: it.change,
                    household: it.household_change,
                    unpriced: it.unpriced_change,
                })?;
            }
        }
        let average = |(weekday, sum): (i32, Sum)| sum.over(weekdays_in(span, weekday));
        let weekdays = (1..).zip(spent).map(average).collect();
        let filter = Filter {
            transaction_type: Some(TransactionType::Expense),
            from: Some(span.from),
            to: Some(span.to),
            sort: Sort::Amount,
            ..Filter::default()
        };
        let largest = transactions::list(&mut connection, household.id, &filter, None, LARGEST).await?;

        let now = by_category(&mut connection, &household, &nominal, Side::Expense, span).await?;
        let mut before: HashMap<Option<Uuid>, Sum> = HashMap::new();
        let mut earlier = span;
        for _ in 0..SPANS {
            let Some(span) = earlier.before() else { break };
            earlier = span;
            for (id, sum) in by_category(&mut connection, &household, &nominal, Side::Expense, span).await? {
                before.entry(id).or_insert_with(|| Sum::zero(household.currency)).plus(&sum, 1)?;
            }
        }
        let names = Names::read(&mut connection, household.id).await?;
        let ids: HashSet<_> = now.keys().chain(before.keys()).copied().collect();
        let mut unusual: Vec<_> = ids
            .into_iter()
            .filter_map(|id| {
                let sum = now.get(&id).cloned().unwrap_or_else(|| Sum::zero(household.currency));
                let amount = sum.amount.minor();
                let earlier = before.get(&id)?;
                let usual = earlier.amount.minor().checked_div(SPANS)?;
                let change = amount.checked_sub(usual)?;
                let far = usual > 0 && change.saturating_abs().saturating_mul(2) >= usual;
                far.then(|| Unusual {
                    id,
                    name: names.name(id),
                    amount: sum,
                    usual: Money::new(usual, household.currency),
                    usual_unpriced: earlier.unpriced.clone(),
                    change_percent: percent(change, usual).unwrap_or_default(),
                })
            })
            .collect();
        unusual.sort_by_key(|it| {
            let change = it.amount.amount.minor().saturating_sub(it.usual.minor()).saturating_abs();
            (std::cmp::Reverse(change), it.id)
        });
        Ok(Patterns { span, weekdays, largest, unusual })
    }
}

/// How many such days a span has; 1 is Monday.
fn weekdays_in(span: Span, weekday: i32) -> u64 {
    let first = i32::try_from(span.from.weekday().number_from_monday()).unwrap_or_default();
    let until = u64::try_from((weekday - first).rem_euclid(7)).unwrap_or_default();
    if span.days() <= until { 0 } else { (span.days() - until - 1) / 7 + 1 }
}

#[cfg(test)]
mod tests {
    use super::weekdays_in;
    use crate::domain::interval::Span;

    #[test]
    fn days_of_the_week_are_counted() {
        let day = |text: &str| text.parse().expect(text);
        // 1 February 2026 is a Sunday.
        let february = Span { from: day("2026-02-01"), to: day("2026-02-28") };
        assert!((1..=7).all(|weekday| weekdays_in(february, weekday) == 4));
        let few = Span { from: day("2026-02-01"), to: day("2026-02-09") };
        let counts: Vec<_> = (1..=7).map(|weekday| weekdays_in(few, weekday)).collect();
        assert_eq!(counts, [2, 1, 1, 1, 1, 1, 2]);
    }
}
