//! Voids a transaction by reversing its postings.

use fintrac_kit::access::RequestContext;
use uuid::Uuid;

use super::{Idempotency, LedgerUseCases};
use crate::domain::posting::CommandKind;
use crate::error::Error;
use crate::posting::PostingResponse;

impl LedgerUseCases {
    pub async fn void_transaction(
        &self,
        ctx: &RequestContext,
        transaction_id: Uuid,
        expected_version: Option<i64>,
        idempotency: Idempotency,
    ) -> Result<PostingResponse, Error> {
        self.post(ctx, CommandKind::Void { transaction_id, expected_version }, idempotency).await
    }
}
