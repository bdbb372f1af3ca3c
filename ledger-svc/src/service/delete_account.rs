//! Deletes an account softly: its history is kept, its name becomes free.

use kit_service::use_case::WriteContext;
use uuid::Uuid;

use super::LedgerUseCases;
use super::read_accounts::locked_state;
use crate::error::{Error, account_has_balance};
use crate::store::{accounts, recurring};

impl LedgerUseCases {
    pub async fn delete_account(
        &self,
        ctx: &WriteContext<()>,
        account_id: Uuid,
        with_balance: bool,
        expected_version: Option<i64>,
    ) -> Result<(), Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.begin_idempotent(ctx).await?;
        let locked = accounts::lock(&mut transaction, &[(household.id, account_id)]).await?;
        let live =
            locked.into_iter().map(|(_, account)| account).find(|account| account.deleted_at.is_none());
        let account = live.ok_or_else(|| Error::not_found("account"))?;
        Error::check_version(expected_version, account.version)?;
        let now = self.clock.now();
        let today = household.today(now);
        let state = locked_state(&mut transaction, household.id, account, today).await?;
        let has_balance = !state.balance.is_zero() || !state.account.projected_balance.is_zero();
        if has_balance && !with_balance {
            return Err(account_has_balance(&state));
        }
        let mut account = state.account;
        account.deleted_at = Some(now);
        account.updated_at = now;
        account.version += 1;
        accounts::update(&mut transaction, &[(household.id, &account)]).await?;
        for (id, version) in
            recurring::pause_for_account(&mut transaction, household.id, account_id, now).await?
        {
            transaction.record("recurring", id, version, "failed", &[]).await?;
        }
        transaction.record("account", account.id, account.version, "deleted", &[]).await?;
        transaction.commit().await
    }
}
