//! Computes net worth at the end of each interval, at that day's rates.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use fintrac_money::{Currency, Household, Money};
use kit_access::RequestContext;
use kit_core::error::FieldViolation;
use sqlx::Connection as _;
use uuid::Uuid;

use super::Sum;
use crate::domain::account::Account;
use crate::domain::interval::Span;
use crate::domain::posting::{DailyDelta, Rejection};
use crate::domain::rate::Quotes;
use crate::error::Error;
use crate::service::{BEGIN_SNAPSHOT, LedgerUseCases};
use crate::store::{accounts, analytics, exchange_rates};

/// Maximum amounts that one response converts: intervals times currencies.
const MAX_CONVERSIONS: usize = 20_000;
/// Maximum balances that one response sums: intervals times accounts.
const MAX_BALANCES: usize = 1_000_000;

#[derive(Debug)]
pub struct NetWorth {
    pub day: NaiveDate,
    pub worth: Sum,
    pub assets: Money,
    pub liabilities: Money,
}

impl LedgerUseCases {
    /// Sums the accounts that are included in the net worth.
    ///
    /// A deleted account counts up to the day before its deletion.
    pub async fn analyze_net_worth(
        &self,
        ctx: &RequestContext,
        span: (&str, &str),
        interval: &str,
    ) -> Result<Vec<NetWorth>, Error> {
        let household = self.household(ctx).await?;
        let (spans, interval) = self.parse_spans(&household, span, interval)?;
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(Vec::new()) };
        let after_first = Span { from: first.to.succ_opt().unwrap_or(first.to), to: last.to };
        let later = Span { from: last.to.succ_opt().unwrap_or(last.to), to: NaiveDate::MAX };
        let (permit, mut connection) = self.analyses.acquire(household.id).await?;
        let mut snapshot = connection.begin_with(BEGIN_SNAPSHOT).await?;
        let mut counted = accounts::all(&mut snapshot, household.id).await?;
        counted.retain(|account| account.include_in_net_worth);
        let currencies: HashSet<Currency> = counted.iter().map(Account::currency).collect();
        if spans.len() * currencies.len() > MAX_CONVERSIONS || spans.len() * counted.len() > MAX_BALANCES {
            return Err(too_many());
        }
        let ids: Vec<_> = counted.iter().map(|account| account.id).collect();
        let interval_totals =
            analytics::totals(&mut snapshot, household.id, &ids, after_first, Some(interval)).await?;
        let later_totals = analytics::totals(&mut snapshot, household.id, &ids, later, None).await?;
        snapshot.commit().await?;

        let days: Vec<_> = spans.iter().map(|span| span.to).collect();
        let quote_keys = days.iter().flat_map(|day| {
            let all = currencies.iter().copied().chain(std::iter::once(household.currency));
            all.map(|currency| (currency, *day)).collect::<Vec<_>>()
        });
        let quotes =
            exchange_rates::newest(&mut connection, quote_keys.collect::<HashSet<_>>().into_iter()).await?;
        drop((connection, permit));
        let mut balances: HashMap<Uuid, i64> =
            counted.iter().map(|account| (account.id, account.projected_balance.minor())).collect();
        for total in &later_totals {
            subtract(&mut balances, total.account_id, total.delta.change);
        }
        let mut changes: HashMap<NaiveDate, Vec<(Uuid, i64)>> = HashMap::new();
        for total in &interval_totals {
            let day = total.interval.unwrap_or(last.to);
            changes.entry(day).or_default().push((total.account_id, total.delta.change));
        }
        let counted: Vec<_> = counted
            .into_iter()
            .map(|account| (account.deleted_at.map(|deleted_at| household.today(deleted_at)), account))
            .collect();
        // Backward from the last day, each interval's changes are undone.
        let mut rows = Vec::new();
        for span in spans.iter().rev() {
            rows.push(compute_net_worth(&household, &counted, &balances, &quotes, span.to)?);
            for (account, change) in changes.remove(&interval.start(span.from)).unwrap_or_default() {
                subtract(&mut balances, account, change);
            }
        }
        rows.reverse();
        Ok(rows)
    }
}

fn too_many() -> Error {
    let text = "The span must have fewer intervals for this many accounts and currencies. \
                Send a later start or a longer interval.";
    Error::query(vec![FieldViolation::parameter("from", text)])
}

fn subtract(balances: &mut HashMap<Uuid, i64>, account: Uuid, change: i64) {
    if let Some(balance) = balances.get_mut(&account) {
        *balance = balance.saturating_sub(change);
    }
}

fn compute_net_worth(
    household: &Household,
    accounts: &[(Option<NaiveDate>, Account)],
    balances: &HashMap<Uuid, i64>,
    quotes: &Quotes,
    day: NaiveDate,
) -> Result<NetWorth, Error> {
    // Positive and negative balances, by currency.
    let mut sums: HashMap<Currency, (i64, i64)> = HashMap::new();
    for (deleted_on, account) in accounts {
        let is_deleted = deleted_on.is_some_and(|deleted_on| deleted_on <= day);
        let balance = balances.get(&account.id).copied().unwrap_or_default();
        if is_deleted || balance == 0 {
            continue;
        }
        let (above, below) = sums.entry(account.currency()).or_default();
        let side = if balance > 0 { above } else { below };
        *side = side.checked_add(balance).ok_or(Rejection::OutOfRange)?;
    }
    let zero = Money::zero(household.currency);
    let mut row = NetWorth { day, worth: Sum::zero(household.currency), assets: zero, liabilities: zero };
    for (currency, (above, below)) in sums {
        let native = above.checked_add(below).ok_or(Rejection::OutOfRange)?;
        let convert = |minor: i64| {
            let money = Money::new(minor, currency);
            if currency == household.currency {
                return Some(money);
            }
            quotes.cross(currency, household.currency, day)?.convert(money, household.currency)
        };
        let (Some(above), Some(below)) = (convert(above), convert(below)) else {
            row.worth.add(currency, DailyDelta { change: native, household: 0, unpriced: native })?;
            row.worth.unpriced.entry(currency.code()).or_insert_with(|| Money::zero(currency));
            continue;
        };
        let worth = above.checked_add(below).ok_or(Rejection::OutOfRange)?;
        row.worth.add(currency, DailyDelta { change: native, household: worth.minor(), unpriced: 0 })?;
        row.assets = row.assets.checked_add(above).ok_or(Rejection::OutOfRange)?;
        row.liabilities = row.liabilities.checked_add(below).ok_or(Rejection::OutOfRange)?;
    }
    Ok(row)
}
