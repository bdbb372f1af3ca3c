//! Opening an account, with its first balance.

use fintrac_kit::access::By;
use fintrac_proto::auth::v1 as pb;

use super::open_household::auth_error;
use super::{Ledger, Once};
use crate::domain::account::AccountInput;
use crate::domain::posting::Order;
use crate::error::Error;
use crate::posting::Answer;

impl Ledger {
    /// Opens an account; without a currency it gets the one that its user prefers.
    pub async fn create_account(
        &self,
        by: &By,
        mut input: AccountInput,
        once: Once,
    ) -> Result<Answer, Error> {
        let account_id = self.id();
        if input.currency_code.is_none() {
            input.currency_code = match self.default_currency(by).await {
                Ok(code) => Some(code),
                // A repeated request gets its stored response even without auth-svc.
                Err(error) => {
                    return self.replay(once.key.as_ref()).await?.map(Answer::Replayed).ok_or(error);
                }
            };
        }
        self.post(by, Order::OpenAccount { account_id, input }, once).await
    }

    async fn default_currency(&self, by: &By) -> Result<String, Error> {
        let request = pb::GetMemberRequest {
            household_id: by.principal.household_id.to_string(),
            user_id: by.principal.user_id.to_string(),
        };
        let answer = self.auth.clone().get_member(request).await.map_err(auth_error)?;
        Ok(answer.into_inner().default_currency)
    }
}
