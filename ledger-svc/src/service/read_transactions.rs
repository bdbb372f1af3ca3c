//! Reads transactions and their revisions.

use fintrac_proto::ledger::v1::TransactionFilter;
use kit_access::RequestContext;
use kit_core::pagination::{Cursor, Page, PageRequest};
use uuid::Uuid;

use super::LedgerUseCases;
use super::transaction_filter::{expand_categories, parse_list};
use crate::domain::transaction::Transaction;
use crate::error::Error;
use crate::store::revisions::{self, RevisionRow};
use crate::store::transactions;

impl LedgerUseCases {
    /// Reads a transaction, posted or voided.
    pub async fn get_transaction(
        &self,
        ctx: &RequestContext,
        transaction_id: Uuid,
    ) -> Result<Transaction, Error> {
        let household = self.household(ctx).await?;
        let found =
            transactions::find(&mut *self.pool.acquire().await?, household.id, transaction_id).await?;
        found.ok_or_else(|| Error::not_found("transaction"))
    }

    pub async fn list_transactions(
        &self,
        ctx: &RequestContext,
        filter: TransactionFilter,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Transaction>, Error> {
        let page = PageRequest::new(size, token, &format!("{filter:?}"));
        let children = filter.children.unwrap_or(true);
        let household = self.household(ctx).await?;
        let (mut filter, page) = parse_list(&filter, page, &household)?;
        let mut connection = self.pool.acquire().await?;
        expand_categories(&mut connection, household.id, &mut filter, children).await?;
        let rows =
            transactions::list(&mut connection, household.id, &filter, page.after, page.limit()).await?;
        Ok(page.paginate(rows, |transaction| filter.sort.cursor(transaction)))
    }

    /// Lists the revisions of a transaction: author, time and changed fields.
    pub async fn list_revisions(
        &self,
        ctx: &RequestContext,
        transaction_id: Uuid,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<RevisionRow>, Error> {
        let page = PageRequest::new(size, token, &format!("revisions {transaction_id}"))?;
        let household = self.household(ctx).await?;
        self.get_transaction(ctx, transaction_id).await?;
        let mut connection = self.pool.acquire().await?;
        let after = page.after.map_or(0, |cursor| i64::try_from(cursor.id.as_u128()).unwrap_or(i64::MAX));
        let rows =
            revisions::list(&mut connection, household.id, transaction_id, after, page.limit()).await?;
        // Revisions have numbers instead of ids; the cursor carries the number.
        let id = |row: &RevisionRow| Uuid::from_u128(u128::from(row.revision.unsigned_abs()));
        Ok(page.paginate(rows, |row| Cursor::from_id(id(row))))
    }
}
