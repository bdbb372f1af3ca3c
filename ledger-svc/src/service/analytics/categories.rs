//! Analyzes categories: their share of the total, and their change.

use std::collections::HashSet;

use fintrac_money::Money;
use kit_access::RequestContext;
use uuid::Uuid;

use super::{CategoryNames, Sum, by_category, percent};
use crate::domain::category::CategoryType;
use crate::domain::interval::Span;
use crate::domain::parse;
use crate::domain::posting::Rejection;
use crate::error::Error;
use crate::service::LedgerUseCases;
use crate::service::query_parser::QueryParser;
use crate::store::analytics::{self, FlowDirection};

#[derive(Debug)]
pub struct CategoryAnalysis {
    /// `None` for transactions without a category.
    pub id: Option<Uuid>,
    pub name: String,
    pub parent_id: Option<Uuid>,
    pub amount: Sum,
    pub share: Option<String>,
    pub previous: Sum,
    pub change: Money,
    pub change_percent: Option<String>,
}

#[derive(Debug)]
pub struct CategoriesAnalysis {
    pub span: Span,
    /// The span for comparison; see [`Span::previous`].
    pub previous: Span,
    pub total: Sum,
    /// Categories, the largest first.
    pub categories: Vec<CategoryAnalysis>,
}

impl LedgerUseCases {
    pub async fn analyze_categories(
        &self,
        ctx: &RequestContext,
        span: (&str, &str),
        category_type: &str,
    ) -> Result<CategoriesAnalysis, Error> {
        let household = self.household(ctx).await?;
        let mut query = QueryParser::default();
        let span = self.parse_span_or_current_month(&household, span, &mut query);
        let hint = "The type must be expense or income.";
        let category_type = query.parse_or("type", category_type, CategoryType::Expense, parse, hint);
        let (span, category_type) = query.finish(span.zip(category_type))?;
        let previous = span.previous().ok_or(Rejection::OutOfRange)?;
        let side = match category_type {
            CategoryType::Income => FlowDirection::Income,
            CategoryType::Expense => FlowDirection::Expense,
        };
        let (_permit, mut connection) = self.analyses.acquire(household.id).await?;
        let nominal = analytics::nominal_accounts(&mut connection, household.id).await?;
        let mut now = by_category(&mut connection, &household, &nominal, side, span).await?;
        let mut before = by_category(&mut connection, &household, &nominal, side, previous).await?;
        let names = CategoryNames::load(&mut connection, household.id).await?;
        let total = Sum::total(household.currency, now.values())?;
        let ids: HashSet<_> = now.keys().chain(before.keys()).copied().collect();
        let mut categories = Vec::new();
        for id in ids {
            let amount = now.remove(&id).unwrap_or_else(|| Sum::zero(household.currency));
            let previous = before.remove(&id).unwrap_or_else(|| Sum::zero(household.currency));
            if amount.is_zero() && previous.is_zero() {
                continue;
            }
            let change = amount.amount.checked_sub(previous.amount).ok_or(Rejection::OutOfRange)?;
            categories.push(CategoryAnalysis {
                id,
                name: names.name(id),
                parent_id: names.parent(id),
                share: percent(amount.amount.minor(), total.amount.minor().max(0)),
                change_percent: percent(change.minor(), previous.amount.abs().minor()),
                amount,
                previous,
                change,
            });
        }
        categories.sort_by_key(|category| (std::cmp::Reverse(category.amount.amount.minor()), category.id));
        Ok(CategoriesAnalysis { span, previous, total, categories })
    }
}
