//! Lists an account's transactions with the running balance after each.
//!
//! Running balances are computed for the page and never stored: the projected
//! balance, minus the later days, minus the later changes of the same day.

use fintrac_money::Money;
use fintrac_proto::ledger::v1::TransactionFilter;
use kit_access::RequestContext;
use kit_core::pagination::{Page, PageRequest};
use uuid::Uuid;

use super::transaction_filter::{expand_categories, parse_list};
use super::{BEGIN_SNAPSHOT, LedgerUseCases};
use crate::domain::transaction::Transaction;
use crate::error::Error;
use crate::store::{accounts, daily_totals, transactions};

/// A transaction from the perspective of one of its accounts.
#[derive(Debug)]
pub struct AccountTransaction {
    pub transaction: Transaction,
    pub change: Money,
    /// The balance after the transaction, in (date, id) order.
    ///
    /// A voided transaction does not count.
    pub running_balance: Money,
}

impl LedgerUseCases {
    pub async fn list_account_transactions(
        &self,
        ctx: &RequestContext,
        account_id: Uuid,
        filter: TransactionFilter,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<AccountTransaction>, Error> {
        let filter = TransactionFilter { account_id: account_id.to_string(), ..filter };
        let page = PageRequest::new(size, token, &format!("running {filter:?}"));
        let children = filter.children.unwrap_or(true);
        let household = self.household(ctx).await?;
        let (mut filter, page) = parse_list(&filter, page, &household)?;

        // One snapshot: a posting in between would shift the balances.
        let mut snapshot = self.pool.begin_with(BEGIN_SNAPSHOT).await?;
        let account = accounts::find(&mut snapshot, household.id, account_id).await?;
        let account = account.ok_or_else(|| Error::not_found("account"))?;
        expand_categories(&mut snapshot, household.id, &mut filter, children).await?;
        let rows = transactions::list(&mut snapshot, household.id, &filter, page.after, page.limit()).await?;
        let page = page.paginate(rows, |transaction| filter.sort.cursor(transaction));

        let mut days: Vec<_> = page.rows.iter().map(|transaction| transaction.date).collect();
        days.sort_unstable();
        days.dedup();
        let after_day = daily_totals::sums_after(&mut snapshot, household.id, account_id, &days).await?;
        let later =
            transactions::later_changes_that_day(&mut snapshot, household.id, account_id, &page.rows).await?;
        snapshot.commit().await?;
        let running = |transaction: &Transaction| {
            let minor = account.projected_balance.minor().checked_sub(*after_day.get(&transaction.date)?)?;
            Some(Money::new(minor.checked_sub(*later.get(&transaction.id)?)?, account.currency()))
        };
        let row = |transaction: Transaction| {
            let (running_balance, change) = (running(&transaction)?, transaction.change_on(account_id)?);
            Some(AccountTransaction { transaction, change, running_balance })
        };
        let rows: Option<Vec<_>> = page.rows.into_iter().map(row).collect();
        let rows = rows.ok_or_else(|| Error::Internal("the running balance cannot be computed".into()))?;
        Ok(Page { rows, next_page_token: page.next_page_token })
    }
}
