//! Restores a voided transaction: posts its postings again, at its own rates.

use fintrac_kit::access::RequestContext;
use uuid::Uuid;

use super::{Idempotency, LedgerUseCases};
use crate::domain::posting::CommandKind;
use crate::error::Error;
use crate::posting::PostingResponse;

impl LedgerUseCases {
    /// Restores a transaction; a posted one stays unchanged.
    pub async fn restore_transaction(
        &self,
        ctx: &RequestContext,
        transaction_id: Uuid,
        expected_version: Option<i64>,
        idempotency: Idempotency,
    ) -> Result<PostingResponse, Error> {
        self.post(ctx, CommandKind::Restore { transaction_id, expected_version }, idempotency).await
    }
}
