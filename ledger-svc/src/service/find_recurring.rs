//! Reads one recurring transaction or a page of them.

use kit_access::RequestContext;
use kit_core::pagination::{Cursor, Page, PageRequest};
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::recurring::Recurring;
use crate::error::Error;
use crate::store::recurring;

impl LedgerUseCases {
    pub async fn get_recurring(&self, ctx: &RequestContext, id: Uuid) -> Result<Recurring, Error> {
        let household = self.household(ctx).await?;
        let found = recurring::find(&mut *self.pool.acquire().await?, household.id, id).await?;
        found.ok_or_else(|| Error::not_found("recurring transaction"))
    }

    pub async fn list_recurring(
        &self,
        ctx: &RequestContext,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Recurring>, Error> {
        let page = PageRequest::new(size, token, "recurring")?;
        let household = self.household(ctx).await?;
        let after = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = recurring::list(&mut connection, household.id, after, page.limit()).await?;
        Ok(page.paginate(rows, |recurring| Cursor::from_id(recurring.id)))
    }
}
