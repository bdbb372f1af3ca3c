//! Opening an account, with its first balance.

use fintrac_kit::access::By;

use super::{Ledger, Once};
use crate::domain::account::AccountInput;
use crate::domain::posting::Order;
use crate::error::Error;
use crate::posting::Answer;

impl Ledger {
    pub async fn create_account(&self, by: &By, input: AccountInput, once: Once) -> Result<Answer, Error> {
        let account_id = self.id();
        self.post(by, Order::OpenAccount { account_id, input }, once).await
    }
}
