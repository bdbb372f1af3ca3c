//! Recurring transactions, one or a page of them.

use fintrac_kit::access::By;
use fintrac_kit::page::{Cursor, Page, PageRequest};
use uuid::Uuid;

use super::Ledger;
use crate::domain::recurring::Recurring;
use crate::error::Error;
use crate::store::recurring;

impl Ledger {
    pub async fn get_recurring(&self, by: &By, id: Uuid) -> Result<Recurring, Error> {
        let household = self.household(by).await?;
        let found = recurring::find(&mut *self.pool.acquire().await?, household.id, id).await?;
        found.ok_or_else(|| Error::not_found("recurring transaction"))
    }

    pub async fn list_recurring(
        &self,
        by: &By,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Recurring>, Error> {
        let page = PageRequest::new(size, token, "recurring")?;
        let household = self.household(by).await?;
        let after = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = recurring::list(&mut connection, household.id, after, page.limit()).await?;
        Ok(page.cut(rows, |it| Cursor::by_id(it.id)))
    }
}
