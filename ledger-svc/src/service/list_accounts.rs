//! Lists the household's live or deleted accounts in the order of their opening.

use fintrac_kit::access::RequestContext;
use fintrac_kit::pagination::{Cursor, Page, PageRequest};
use sqlx::Connection as _;

use super::{BEGIN_SNAPSHOT, LedgerUseCases};
use crate::domain::account::AccountState;
use crate::error::Error;
use crate::store::accounts;

impl LedgerUseCases {
    pub async fn list_accounts(
        &self,
        ctx: &RequestContext,
        deleted: bool,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<AccountState>, Error> {
        let page = PageRequest::new(size, token, &format!("accounts {deleted}"))?;
        let household = self.household(ctx).await?;
        let after = page.after.map(|cursor| cursor.id);
        let today = household.today(self.clock.now());
        let mut connection = self.pool.acquire().await?;
        let mut snapshot = connection.begin_with(BEGIN_SNAPSHOT).await?;
        let rows = accounts::list(&mut snapshot, household.id, deleted, after, page.limit()).await?;
        let rows = accounts::with_balance(&mut snapshot, household.id, rows, today).await?;
        snapshot.commit().await?;
        Ok(page.paginate(rows, |state| Cursor::from_id(state.account.id)))
    }
}
