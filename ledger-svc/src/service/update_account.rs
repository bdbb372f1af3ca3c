//! Changing an account; another balance posts an adjustment.

use fintrac_kit::access::By;
use uuid::Uuid;

use super::{Ledger, Once};
use crate::domain::account::AccountChanges;
use crate::domain::posting::Order;
use crate::error::Error;
use crate::posting::Answer;

impl Ledger {
    pub async fn update_account(
        &self,
        by: &By,
        account_id: Uuid,
        changes: AccountChanges,
        if_version: Option<i64>,
        once: Once,
    ) -> Result<Answer, Error> {
        self.post(by, Order::ChangeAccount { account_id, changes, if_version }, once).await
    }
}
