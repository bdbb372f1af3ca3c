//! The household's accounts, live or deleted, in the order in which they were opened.

use fintrac_kit::access::By;
use fintrac_kit::page::{Cursor, Page, PageRequest};

use super::Ledger;
use crate::domain::account::Account;
use crate::error::Error;
use crate::store::accounts;

impl Ledger {
    pub async fn list_accounts(
        &self,
        by: &By,
        deleted: bool,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Account>, Error> {
        let page = PageRequest::new(size, token, &format!("accounts {deleted}"))?;
        let household = self.household(by).await?;
        let after = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = accounts::list(&mut connection, household.id, deleted, after, page.limit()).await?;
        Ok(page.cut(rows, |account| Cursor::by_id(account.id)))
    }
}
