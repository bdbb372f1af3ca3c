//! Finds an account of a household, for other services.

use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::account::Account;
use crate::error::Error;
use crate::store::accounts;

impl LedgerUseCases {
    /// Finds a live account.
    pub async fn find_account(&self, household_id: Uuid, account_id: Uuid) -> Result<Account, Error> {
        let found = accounts::find(&mut *self.pool.acquire().await?, household_id, account_id).await?;
        found.filter(|account| account.deleted_at.is_none()).ok_or_else(|| Error::not_found("account"))
    }
}
