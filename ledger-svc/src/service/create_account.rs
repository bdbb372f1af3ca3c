//! Opens an account with its opening balance.

use kit_service::use_case::WriteContext;

use super::LedgerUseCases;
use crate::domain::account::AccountInput;
use crate::domain::posting::{CommandKind, Outcome};
use crate::error::Error;

impl LedgerUseCases {
    /// Opens an account, by default in the user's preferred currency.
    pub async fn create_account(
        &self,
        ctx: WriteContext<Outcome>,
        mut input: AccountInput,
    ) -> Result<Outcome, Error> {
        let account_id = self.new_id();
        if input.currency_code.is_none() {
            match self.households.default_currency(&ctx).await {
                Ok(currency) => input.currency_code = Some(currency.code().to_owned()),
                Err(error) => {
                    // A repeated request gets its stored response even without auth-svc.
                    self.replay(&ctx).await?;
                    return Err(error);
                }
            }
        }
        self.post(ctx, CommandKind::OpenAccount { account_id, input }).await
    }
}
