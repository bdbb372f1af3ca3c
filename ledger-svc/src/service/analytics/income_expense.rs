//! What came in and what went out, interval by interval.

use std::collections::HashMap;

use fintrac_kit::access::By;

use super::{Sum, seen};
use crate::domain::interval::{Interval, Span};
use crate::error::Error;
use crate::service::Ledger;
use crate::store::analytics::{self, Side};

#[derive(Debug)]
pub struct IncomeExpense {
    pub span: Span,
    pub income: Sum,
    pub expense: Sum,
    pub net: Sum,
    /// Opening balances and adjustments.
    pub other: Sum,
    /// Net and other, with all before it in the span.
    pub cumulative: Sum,
}

impl Ledger {
    pub async fn analyze_income_expense(
        &self,
        by: &By,
        span: (&str, &str),
        interval: &str,
    ) -> Result<Vec<IncomeExpense>, Error> {
        let household = self.household(by).await?;
        let cuts = self.cuts(&household, span, interval)?;
        let interval = Interval::from_text(interval).unwrap_or(Interval::Month);
        let (Some(first), Some(last)) = (cuts.first(), cuts.last()) else { return Ok(Vec::new()) };
        let whole = Span { from: first.from, to: last.to };
        let mut connection = self.analyses.acquire(household.id).await?;
        let nominal: HashMap<_, _> = analytics::nominal(&mut connection, household.id)
            .await?
            .into_iter()
            .map(|it| (it.id, it))
            .collect();
        let ids: Vec<_> = nominal.keys().copied().collect();
        let totals = analytics::totals(&mut connection, household.id, &ids, whole, Some(interval)).await?;
        let zero = || Sum::zero(household.currency);
        let mut rows: Vec<_> = cuts
            .iter()
            .map(|cut| IncomeExpense {
                span: *cut,
                income: zero(),
                expense: zero(),
                net: zero(),
                other: zero(),
                cumulative: zero(),
            })
            .collect();
        let at: HashMap<_, _> =
            cuts.iter().enumerate().map(|(at, cut)| (interval.start(cut.from), at)).collect();
        for total in totals {
            let row = total.interval.and_then(|day| rows.get_mut(*at.get(&day)?));
            let (Some(row), Some(account)) = (row, nominal.get(&total.account_id)) else { continue };
            let sum = match account.side {
                Side::Income => &mut row.income,
                Side::Expense => &mut row.expense,
                Side::Other => &mut row.other,
            };
            sum.add(total.part(account.currency).times(seen(account.side)))?;
        }
        let mut cumulative = zero();
        for row in &mut rows {
            row.net.plus(&row.income, 1)?;
            row.net.plus(&row.expense, -1)?;
            cumulative.plus(&row.net, 1)?;
            cumulative.plus(&row.other, 1)?;
            row.cumulative = cumulative.clone();
        }
        Ok(rows)
    }
}
