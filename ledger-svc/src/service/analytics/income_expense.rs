//! Analyzes income and expenses by interval.

use std::collections::HashMap;

use kit_access::RequestContext;

use super::{Sum, display_sign, index_of};
use crate::domain::interval::Span;
use crate::error::Error;
use crate::service::LedgerUseCases;
use crate::store::analytics::{self, FlowDirection};

#[derive(Debug)]
pub struct IncomeExpense {
    pub span: Span,
    pub income: Sum,
    pub expense: Sum,
    pub net: Sum,
    /// Opening balances and adjustments.
    pub other: Sum,
    /// The sum of `net` and `other` since the start of the span.
    pub cumulative: Sum,
}

impl LedgerUseCases {
    pub async fn analyze_income_expense(
        &self,
        ctx: &RequestContext,
        span: (&str, &str),
        interval: &str,
    ) -> Result<Vec<IncomeExpense>, Error> {
        let household = self.household(ctx).await?;
        let (spans, interval) = self.parse_spans(&household, span, interval)?;
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(Vec::new()) };
        let whole = Span { from: first.from, to: last.to };
        let (_permit, mut connection) = self.analyses.acquire(household.id).await?;
        let nominal: HashMap<_, _> = analytics::nominal_accounts(&mut connection, household.id)
            .await?
            .into_iter()
            .map(|account| (account.id, account))
            .collect();
        let ids: Vec<_> = nominal.keys().copied().collect();
        let totals = analytics::totals(&mut connection, household.id, &ids, whole, Some(interval)).await?;
        let zero = || Sum::zero(household.currency);
        let mut rows: Vec<_> = spans
            .iter()
            .map(|span| IncomeExpense {
                span: *span,
                income: zero(),
                expense: zero(),
                net: zero(),
                other: zero(),
                cumulative: zero(),
            })
            .collect();
        for total in totals {
            let row = total.interval.and_then(|start| rows.get_mut(index_of(&spans, start)));
            let (Some(row), Some(account)) = (row, nominal.get(&total.account_id)) else { continue };
            let sum = match account.side {
                FlowDirection::Income => &mut row.income,
                FlowDirection::Expense => &mut row.expense,
                FlowDirection::Other => &mut row.other,
            };
            sum.add(account.currency, total.delta.times(display_sign(account.side)))?;
        }
        let mut cumulative = zero();
        for row in &mut rows {
            row.net.add_signed(&row.income, 1)?;
            row.net.add_signed(&row.expense, -1)?;
            cumulative.add_signed(&row.net, 1)?;
            cumulative.add_signed(&row.other, 1)?;
            row.cumulative = cumulative.clone();
        }
        Ok(rows)
    }
}
