//! Transactions by date, a page at a time.

use fintrac_kit::access::By;
use fintrac_kit::page::{Cursor, Page, PageRequest};

use super::Ledger;
use super::transaction_filter::{FilterInput, both};
use crate::domain::transaction::Transaction;
use crate::error::Error;
use crate::store::transactions;

impl Ledger {
    pub async fn list_transactions(
        &self,
        by: &By,
        filter: FilterInput,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Transaction>, Error> {
        let page = PageRequest::new(size, token, &filter.identity());
        let household = self.household(by).await?;
        let (filter, page) = both(filter.resolve(&household), page.map_err(Error::from))?;
        let mut connection = self.pool.acquire().await?;
        let rows =
            transactions::list(&mut connection, household.id, &filter, page.after, page.limit()).await?;
        Ok(page.cut(rows, |it| Cursor { day: it.date, id: it.id }))
    }
}
