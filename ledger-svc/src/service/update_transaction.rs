//! Editing a transaction: the reversal of what stands, then the new legs.

use fintrac_kit::access::By;
use uuid::Uuid;

use super::{Ledger, Once};
use crate::domain::posting::Order;
use crate::domain::transaction::TransactionChanges;
use crate::error::Error;
use crate::posting::Answer;

impl Ledger {
    pub async fn update_transaction(
        &self,
        by: &By,
        transaction_id: Uuid,
        changes: TransactionChanges,
        if_version: Option<i64>,
        once: Once,
    ) -> Result<Answer, Error> {
        self.post(by, Order::Edit { transaction_id, changes, if_version }, once).await
    }
}
