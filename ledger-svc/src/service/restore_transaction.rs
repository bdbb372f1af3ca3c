//! Bringing a voided transaction back: its legs are posted again, at its rates.

use fintrac_kit::access::By;
use uuid::Uuid;

use super::{Ledger, Once};
use crate::domain::posting::Order;
use crate::error::Error;
use crate::posting::Answer;

impl Ledger {
    /// One that is not voided stays as it is.
    pub async fn restore_transaction(
        &self,
        by: &By,
        transaction_id: Uuid,
        if_version: Option<i64>,
        once: Once,
    ) -> Result<Answer, Error> {
        self.post(by, Order::Restore { transaction_id, if_version }, once).await
    }
}
