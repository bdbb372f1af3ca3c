//! Opens an account with its opening balance.

use fintrac_kit::access::RequestContext;
use fintrac_proto::auth::v1 as pb;

use super::provision_household::auth_error;
use super::{Idempotency, LedgerUseCases};
use crate::domain::account::AccountInput;
use crate::domain::posting::CommandKind;
use crate::error::Error;
use crate::posting::PostingResponse;

impl LedgerUseCases {
    /// Opens an account, by default in the user's preferred currency.
    pub async fn create_account(
        &self,
        ctx: &RequestContext,
        mut input: AccountInput,
        idempotency: Idempotency,
    ) -> Result<PostingResponse, Error> {
        let account_id = self.new_id();
        if input.currency_code.is_none() {
            input.currency_code = match self.default_currency(ctx).await {
                Ok(code) => Some(code),
                // A repeated request gets its stored response even without auth-svc.
                Err(error) => {
                    return self
                        .replay(idempotency.key.as_ref())
                        .await?
                        .map(PostingResponse::Replayed)
                        .ok_or(error);
                }
            };
        }
        self.post(ctx, CommandKind::OpenAccount { account_id, input }, idempotency).await
    }

    async fn default_currency(&self, ctx: &RequestContext) -> Result<String, Error> {
        let request = pb::GetMemberRequest {
            household_id: ctx.principal.household_id.to_string(),
            user_id: ctx.principal.user_id.to_string(),
        };
        let response = self.auth.clone().get_member(request).await.map_err(auth_error)?;
        Ok(response.into_inner().default_currency)
    }
}
