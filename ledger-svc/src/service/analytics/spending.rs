//! Analyzes spending by category, account, day, week or month.

use std::collections::HashMap;

use kit_access::RequestContext;
use uuid::Uuid;

use super::{CategoryNames, Sum, accounts_on, by_category, index_of, percent};
use crate::domain::interval::{Interval, Span};
use crate::domain::parse;
use crate::error::Error;
use crate::service::LedgerUseCases;
use crate::service::query_parser::{QueryParser, too_many_intervals};
use crate::store::accounts;
use crate::store::analytics::{self, FlowDirection};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    Category,
    Account,
    Interval(Interval),
}

impl GroupBy {
    fn from_text(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "category" => Some(Self::Category),
            "account" => Some(Self::Account),
            text => parse(text).map(Self::Interval),
        }
    }
}

#[derive(Debug)]
pub struct SpendingGroup {
    /// The id of a category or account; `None` for expenses without a category.
    pub id: Option<Uuid>,
    pub name: String,
    /// The days of a group by day, week or month.
    pub span: Option<Span>,
    pub spent: Sum,
    pub share: Option<String>,
}

#[derive(Debug)]
pub struct SpendingAnalysis {
    pub span: Span,
    pub total: Sum,
    /// Groups, the largest first; intervals in order of time.
    pub groups: Vec<SpendingGroup>,
}

impl LedgerUseCases {
    pub async fn analyze_spending(
        &self,
        ctx: &RequestContext,
        span: (&str, &str),
        group_by: &str,
    ) -> Result<SpendingAnalysis, Error> {
        let household = self.household(ctx).await?;
        let mut query = QueryParser::default();
        let span = self.parse_span_or_current_month(&household, span, &mut query);
        let hint = "The grouping must be category, day, week, month or account.";
        let group_by = query.parse_or("group_by", group_by, GroupBy::Category, GroupBy::from_text, hint);
        let (span, group_by) = query.finish(span.zip(group_by))?;
        let (_permit, mut connection) = self.analyses.acquire(household.id).await?;
        let nominal = analytics::nominal_accounts(&mut connection, household.id).await?;
        let (ids, expenses) = accounts_on(&nominal, FlowDirection::Expense);
        let group = |id, name, span, spent| SpendingGroup { id, name, span, spent, share: None };
        let mut groups = Vec::new();
        match group_by {
            GroupBy::Category => {
                let sums =
                    by_category(&mut connection, &household, &nominal, FlowDirection::Expense, span).await?;
                let names = CategoryNames::load(&mut connection, household.id).await?;
                groups.extend(sums.into_iter().map(|(id, spent)| group(id, names.name(id), None, spent)));
            }
            GroupBy::Account => {
                let names: HashMap<_, _> =
                    accounts::names(&mut connection, household.id).await?.into_iter().collect();
                let mut sums: HashMap<Uuid, Sum> = HashMap::new();
                let found = analytics::spending_by_account(&mut connection, household.id, &ids, span).await?;
                for (account_id, currency, delta) in found {
                    let sum = sums.entry(account_id).or_insert_with(|| Sum::zero(household.currency));
                    sum.add(currency, delta)?;
                }
                let name = |id: Uuid| names.get(&id).cloned().unwrap_or_default();
                groups.extend(sums.into_iter().map(|(id, spent)| group(Some(id), name(id), None, spent)));
            }
            GroupBy::Interval(interval) => {
                let spans = span.split_by(interval).ok_or_else(too_many_intervals)?;
                let zero = || Sum::zero(household.currency);
                groups.extend(spans.iter().map(|span| group(None, String::new(), Some(*span), zero())));
                let totals =
                    analytics::totals(&mut connection, household.id, &ids, span, Some(interval)).await?;
                for total in totals {
                    let group = total.interval.and_then(|start| groups.get_mut(index_of(&spans, start)));
                    if let (Some(group), Some(account)) = (group, expenses.get(&total.account_id)) {
                        group.spent.add(account.currency, total.delta)?;
                    }
                }
            }
        }
        let total = Sum::total(household.currency, groups.iter().map(|group| &group.spent))?;
        for group in &mut groups {
            group.share = percent(group.spent.amount.minor(), total.amount.minor().max(0));
        }
        if !matches!(group_by, GroupBy::Interval(_)) {
            groups.retain(|group| group.spent.by_currency.values().any(|part| !part.is_zero()));
            groups.sort_by_key(|group| (std::cmp::Reverse(group.spent.amount.minor()), group.id));
        }
        Ok(SpendingAnalysis { span, total, groups })
    }
}
