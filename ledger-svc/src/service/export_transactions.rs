//! Exports all transactions that match a filter, page by page.
//!
//! No query outlasts a slow reader, and concurrent writes shift no page.

use std::collections::HashMap;
use std::sync::Arc;

use fintrac_proto::ledger::v1::TransactionFilter;
use futures::Stream;
use kit_access::RequestContext;
use uuid::Uuid;

use super::LedgerUseCases;
use super::query_parser::QueryParser;
use super::transaction_filter::{expand_categories, parse_filter};
use crate::domain::transaction::Transaction;
use crate::error::Error;
use crate::store::{accounts, categories, transactions};

const PAGE_SIZE: i64 = 200;

/// A page of the export, with the names of accounts and categories.
#[derive(Debug)]
pub struct ExportPage {
    pub transactions: Vec<Transaction>,
    pub names: Arc<HashMap<Uuid, String>>,
}

impl LedgerUseCases {
    pub async fn export_transactions(
        self: Arc<Self>,
        ctx: &RequestContext,
        filter: TransactionFilter,
    ) -> Result<impl Stream<Item = Result<ExportPage, Error>> + Send + use<>, Error> {
        let household = self.household(ctx).await?;
        let children = filter.children.unwrap_or(true);
        let mut query = QueryParser::default();
        let filter = parse_filter(&filter, &household, &mut query);
        let mut filter = query.finish(Some(filter))?;
        let mut connection = self.pool.acquire().await?;
        expand_categories(&mut connection, household.id, &mut filter, children).await?;
        let mut names: HashMap<_, _> =
            accounts::names(&mut connection, household.id).await?.into_iter().collect();
        names.extend(categories::names(&mut connection, household.id).await?);
        drop(connection);
        let (names, mut after) = (Arc::new(names), None);
        Ok(async_stream::try_stream! {
            loop {
                let page = {
                    let mut connection = self.pool.acquire().await.map_err(Error::from)?;
                    transactions::list(&mut connection, household.id, &filter, after, PAGE_SIZE).await?
                };
                let Some(last) = page.last() else { break };
                after = Some(filter.sort.cursor(last));
                yield ExportPage { transactions: page, names: Arc::clone(&names) };
            }
        })
    }
}
