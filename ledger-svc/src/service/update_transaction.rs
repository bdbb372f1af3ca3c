//! Edits a transaction: reverses its current postings, then posts the new ones.

use fintrac_kit::access::RequestContext;
use uuid::Uuid;

use super::{Idempotency, LedgerUseCases};
use crate::domain::posting::CommandKind;
use crate::domain::transaction::TransactionChanges;
use crate::error::Error;
use crate::posting::PostingResponse;

impl LedgerUseCases {
    pub async fn update_transaction(
        &self,
        ctx: &RequestContext,
        transaction_id: Uuid,
        changes: TransactionChanges,
        expected_version: Option<i64>,
        idempotency: Idempotency,
    ) -> Result<PostingResponse, Error> {
        self.post(ctx, CommandKind::Edit { transaction_id, changes, expected_version }, idempotency).await
    }
}
