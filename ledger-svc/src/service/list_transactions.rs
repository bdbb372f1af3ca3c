//! Lists transactions, one page at a time.

use fintrac_kit::access::RequestContext;
use fintrac_kit::pagination::{Page, PageRequest};

use super::LedgerUseCases;
use super::transaction_filter::{FilterInput, combine_violations, expand_categories};
use crate::domain::transaction::Transaction;
use crate::error::Error;
use crate::store::transactions;

impl LedgerUseCases {
    pub async fn list_transactions(
        &self,
        ctx: &RequestContext,
        filter: FilterInput,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Transaction>, Error> {
        let page = PageRequest::new(size, token, &filter.identity());
        let children = filter.children;
        let household = self.household(ctx).await?;
        let (mut filter, page) = combine_violations(filter.resolve(&household), page.map_err(Error::from))?;
        let mut connection = self.pool.acquire().await?;
        expand_categories(&mut connection, household.id, &mut filter, children).await?;
        let rows =
            transactions::list(&mut connection, household.id, &filter, page.after, page.limit()).await?;
        Ok(page.paginate(rows, |transaction| filter.sort.cursor(transaction)))
    }
}
