//! Deletes an account softly: its history is kept, its name becomes free.

use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency::Key;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::posting::Rejection;
use crate::error::Error;
use crate::store::accounts;

impl LedgerUseCases {
    pub async fn delete_account(
        &self,
        ctx: &RequestContext,
        account_id: Uuid,
        with_balance: bool,
        expected_version: Option<i64>,
        key: Option<Key>,
    ) -> Result<(), Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.pool.begin().await?;
        if self.claim_key(&mut transaction, key.as_ref()).await?.is_some() {
            return Ok(());
        }
        let locked = accounts::lock(&mut transaction, &[(household.id, account_id)]).await?;
        let live =
            locked.into_iter().map(|(_, account)| account).find(|account| account.deleted_at.is_none());
        let account = live.ok_or_else(|| Error::not_found("account"))?;
        Rejection::check_version(expected_version, account.version)?;
        let now = self.clock.now();
        let today = household.today(now);
        let state = accounts::with_balance(&mut transaction, household.id, vec![account], today).await?;
        let state = state.into_iter().next().ok_or_else(|| Error::not_found("account"))?;
        let has_balance = !state.balance.is_zero() || !state.account.projected_balance.is_zero();
        if has_balance && !with_balance {
            return Err(Error::AccountHasBalance(Box::new(state)));
        }
        let mut account = state.account;
        account.deleted_at = Some(now);
        account.updated_at = now;
        account.version += 1;
        accounts::update(&mut transaction, &[(household.id, &account)]).await?;
        self.pause_recurring_on(&mut transaction, ctx, household.id, account_id).await?;
        self.record(&mut transaction, ctx, ("account", account.id, account.version), "deleted", &[]).await?;
        self.commit(transaction, key.as_ref(), Vec::new()).await
    }
}
