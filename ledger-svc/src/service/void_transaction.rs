//! Voiding a transaction by its reversal.

use fintrac_kit::access::By;
use uuid::Uuid;

use super::{Ledger, Once};
use crate::domain::posting::Order;
use crate::error::Error;
use crate::posting::Answer;

impl Ledger {
    pub async fn void_transaction(
        &self,
        by: &By,
        transaction_id: Uuid,
        if_version: Option<i64>,
        once: Once,
    ) -> Result<Answer, Error> {
        self.post(by, Order::Void { transaction_id, if_version }, once).await
    }
}
