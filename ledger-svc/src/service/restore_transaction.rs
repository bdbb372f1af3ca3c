//! Bringing a voided transaction back: its postings are posted again, at its rates.

use fintrac_kit::access::RequestContext;
use uuid::Uuid;

use super::{Idempotency, Ledger};
use crate::domain::posting::CommandKind;
use crate::error::Error;
use crate::posting::PostingResponse;

impl Ledger {
    /// One that is not voided stays as it is.
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
