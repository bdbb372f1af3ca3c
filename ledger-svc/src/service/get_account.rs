//! One live account.

use fintrac_kit::access::By;
use uuid::Uuid;

use super::Ledger;
use crate::domain::account::Account;
use crate::error::Error;
use crate::store::accounts;

impl Ledger {
    pub async fn get_account(&self, by: &By, account_id: Uuid) -> Result<Account, Error> {
        let household = self.household(by).await?;
        let found = accounts::find(&mut *self.pool.acquire().await?, household.id, account_id).await?;
        found.filter(|account| account.deleted_at.is_none()).ok_or_else(|| Error::not_found("account"))
    }
}
