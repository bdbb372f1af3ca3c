//! Recording income, an expense or a transfer.

use fintrac_kit::access::By;

use super::{Ledger, Once};
use crate::domain::posting::Order;
use crate::domain::transaction::TransactionInput;
use crate::error::Error;
use crate::posting::Answer;

impl Ledger {
    pub async fn create_transaction(
        &self,
        by: &By,
        input: TransactionInput,
        once: Once,
    ) -> Result<Answer, Error> {
        self.post(by, Order::Create(input), once).await
    }
}
