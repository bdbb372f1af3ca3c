//! Restores a deleted account.

use chrono::NaiveDate;
use fintrac_kit::access::RequestContext;
use fintrac_kit::database::violated_constraint;
use fintrac_kit::error::ProblemCode;
use fintrac_kit::idempotency::{IdempotentResult, Key};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Encode, LedgerUseCases};
use crate::domain::account::{Account, AccountState};
use crate::error::Error;
use crate::store::{accounts, households};

impl LedgerUseCases {
    /// Restores an account; a live one stays unchanged.
    pub async fn restore_account(
        &self,
        ctx: &RequestContext,
        account_id: Uuid,
        key: Option<Key>,
        encode: Encode<AccountState>,
    ) -> Result<IdempotentResult<AccountState>, Error> {
        let household = self.household(ctx).await?;
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        if let Some(response) = self.claim_key(&mut transaction, key.as_ref()).await? {
            return Ok(IdempotentResult::Replayed(response));
        }
        households::lock(&mut transaction, &[household.id]).await?;
        let locked = accounts::lock(&mut transaction, &[(household.id, account_id)]).await?;
        let (_, mut account) = locked.into_iter().next().ok_or_else(|| Error::not_found("account"))?;
        let today = household.today(now);
        if account.deleted_at.is_none() {
            return Ok(IdempotentResult::New(state(&mut transaction, household.id, account, today).await?));
        }
        account.deleted_at = None;
        account.updated_at = now;
        account.version += 1;
        accounts::update(&mut transaction, &[(household.id, &account)]).await.map_err(|error| {
            match violated_constraint(&error) {
                Some("accounts_household_id_name_key") => Error::Problem(ProblemCode::AccountNameTaken),
                _ => error.into(),
            }
        })?;
        self.record(&mut transaction, ctx, ("account", account.id, account.version), "restored", &[]).await?;
        let restored = state(&mut transaction, household.id, account, today).await?;
        self.commit_with(transaction, (key, encode), restored).await
    }
}

/// Reads the balance of a locked account.
async fn state(
    connection: &mut PgConnection,
    household_id: Uuid,
    account: Account,
    today: NaiveDate,
) -> Result<AccountState, Error> {
    let found = accounts::with_balance(connection, household_id, vec![account], today).await?;
    found.into_iter().next().ok_or_else(|| Error::Internal("the account has no balance".into()))
}
