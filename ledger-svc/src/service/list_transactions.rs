//! Transactions, a page at a time.

use fintrac_kit::access::By;
use fintrac_kit::page::{Page, PageRequest};

use super::Ledger;
use super::transaction_filter::{FilterInput, both, expand_categories};
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
        let children = !filter.without_children;
        let household = self.household(by).await?;
        let (mut filter, page) = both(filter.resolve(&household), page.map_err(Error::from))?;
        let mut connection = self.pool.acquire().await?;
        expand_categories(&mut connection, household.id, &mut filter, children).await?;
        let rows =
            transactions::list(&mut connection, household.id, &filter, page.after, page.limit()).await?;
        Ok(page.cut(rows, |it| filter.sort.cursor(it)))
    }
}
