//! Restores a deleted account.

use kit_core::error::ProblemCode;
use kit_db::violated_constraint;
use kit_service::use_case::WriteContext;
use uuid::Uuid;

use super::LedgerUseCases;
use super::read_accounts::locked_state;
use crate::domain::account::AccountState;
use crate::error::Error;
use crate::store::{accounts, households};

impl LedgerUseCases {
    /// Restores an account; a live one stays unchanged.
    pub async fn restore_account(
        &self,
        ctx: &WriteContext<AccountState>,
        account_id: Uuid,
    ) -> Result<AccountState, Error> {
        let household = self.household(ctx).await?;
        let now = self.clock.now();
        let mut transaction = self.begin_idempotent(ctx).await?;
        households::lock(&mut transaction, &[household.id]).await?;
        let locked = accounts::lock(&mut transaction, &[(household.id, account_id)]).await?;
        let (_, mut account) = locked.into_iter().next().ok_or_else(|| Error::not_found("account"))?;
        let today = household.today(now);
        if account.deleted_at.is_none() {
            return locked_state(&mut transaction, household.id, account, today).await;
        }
        account.deleted_at = None;
        account.updated_at = now;
        account.version += 1;
        accounts::update(&mut transaction, &[(household.id, &account)]).await.map_err(|error| {
            match violated_constraint(&error) {
                Some("accounts_household_id_name_key") => Error::from(ProblemCode::AccountNameTaken),
                _ => error.into(),
            }
        })?;
        transaction.record("account", account.id, account.version, "restored", &[]).await?;
        let restored = locked_state(&mut transaction, household.id, account, today).await?;
        transaction.commit_with(restored).await
    }
}
