//! Updates an account; a changed balance posts an adjustment.

use fintrac_kit::access::RequestContext;
use uuid::Uuid;

use super::{Idempotency, LedgerUseCases};
use crate::domain::account::AccountChanges;
use crate::domain::posting::CommandKind;
use crate::error::Error;
use crate::posting::PostingResponse;

impl LedgerUseCases {
    pub async fn update_account(
        &self,
        ctx: &RequestContext,
        account_id: Uuid,
        changes: AccountChanges,
        expected_version: Option<i64>,
        idempotency: Idempotency,
    ) -> Result<PostingResponse, Error> {
        self.post(ctx, CommandKind::ChangeAccount { account_id, changes, expected_version }, idempotency)
            .await
    }
}
