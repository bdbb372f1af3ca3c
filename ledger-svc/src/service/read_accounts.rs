//! Reads accounts with their balances of today.

use chrono::NaiveDate;
use fintrac_money::Household;
use kit_access::RequestContext;
use kit_core::pagination::{Cursor, Page, PageRequest};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{BEGIN_SNAPSHOT, LedgerUseCases};
use crate::domain::account::{Account, AccountState};
use crate::error::Error;
use crate::store::{accounts, households};

impl LedgerUseCases {
    /// Reads a live account.
    pub async fn get_account(&self, ctx: &RequestContext, account_id: Uuid) -> Result<AccountState, Error> {
        let household = self.household(ctx).await?;
        let found = self.live_accounts(&household, &[account_id]).await?.pop();
        found.ok_or_else(|| Error::not_found("account"))
    }

    /// Finds a live account of any household, for other services.
    pub async fn find_account(&self, household_id: Uuid, account_id: Uuid) -> Result<Account, Error> {
        let found = accounts::find(&mut *self.pool.acquire().await?, household_id, account_id).await?;
        found.filter(|account| account.deleted_at.is_none()).ok_or_else(|| Error::not_found("account"))
    }

    /// Lists the live or deleted accounts in the order of their opening.
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
        let mut snapshot = self.pool.begin_with(BEGIN_SNAPSHOT).await?;
        let rows = accounts::list(&mut snapshot, household.id, deleted, after, page.limit()).await?;
        let rows = accounts::with_balance(&mut snapshot, household.id, rows, today).await?;
        snapshot.commit().await?;
        Ok(page.paginate(rows, |state| Cursor::from_id(state.account.id)))
    }

    /// Lists the live accounts among `account_ids`, for other services.
    pub async fn list_balances(
        &self,
        household_id: Uuid,
        account_ids: &[Uuid],
    ) -> Result<Vec<AccountState>, Error> {
        match households::find(&mut *self.pool.acquire().await?, household_id).await? {
            Some(household) => self.live_accounts(&household, account_ids).await,
            None => Ok(Vec::new()),
        }
    }

    /// Reads the live accounts among `ids` on one snapshot.
    async fn live_accounts(&self, household: &Household, ids: &[Uuid]) -> Result<Vec<AccountState>, Error> {
        let today = household.today(self.clock.now());
        let mut snapshot = self.pool.begin_with(BEGIN_SNAPSHOT).await?;
        let found = accounts::find_live(&mut snapshot, household.id, ids).await?;
        let states = accounts::with_balance(&mut snapshot, household.id, found, today).await?;
        snapshot.commit().await?;
        Ok(states)
    }
}

/// Reads the balance of a locked account.
pub(super) async fn locked_state(
    connection: &mut PgConnection,
    household_id: Uuid,
    account: Account,
    today: NaiveDate,
) -> Result<AccountState, Error> {
    let state = accounts::with_balance(connection, household_id, vec![account], today).await?.pop();
    state.ok_or_else(|| Error::Internal("the account has no balance".into()))
}
