//! Reads one live account.

use fintrac_kit::access::RequestContext;
use sqlx::Connection as _;
use uuid::Uuid;

use super::{BEGIN_SNAPSHOT, LedgerUseCases};
use crate::domain::account::AccountState;
use crate::error::Error;
use crate::store::accounts;

impl LedgerUseCases {
    pub async fn get_account(&self, ctx: &RequestContext, account_id: Uuid) -> Result<AccountState, Error> {
        let household = self.household(ctx).await?;
        let today = household.today(self.clock.now());
        let mut connection = self.pool.acquire().await?;
        let mut snapshot = connection.begin_with(BEGIN_SNAPSHOT).await?;
        let found = accounts::find(&mut snapshot, household.id, account_id).await?;
        let live = found.filter(|account| account.deleted_at.is_none());
        let live =
            accounts::with_balance(&mut snapshot, household.id, live.into_iter().collect(), today).await?;
        snapshot.commit().await?;
        live.into_iter().next().ok_or_else(|| Error::not_found("account"))
    }
}
