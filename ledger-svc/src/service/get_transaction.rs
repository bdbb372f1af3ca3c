//! Reads one transaction, posted or voided.

use fintrac_kit::access::RequestContext;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::transaction::Transaction;
use crate::error::Error;
use crate::store::transactions;

impl LedgerUseCases {
    pub async fn get_transaction(
        &self,
        ctx: &RequestContext,
        transaction_id: Uuid,
    ) -> Result<Transaction, Error> {
        let household = self.household(ctx).await?;
        let found =
            transactions::find(&mut *self.pool.acquire().await?, household.id, transaction_id).await?;
        found.ok_or_else(|| Error::not_found("transaction"))
    }
}
