//! Reads the data that notifications of ledger events contain.

use fintrac_money::Currency;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::recurring::Recurring;
use crate::domain::transaction::{Transaction, TransactionStatus};
use crate::error::Error;
use crate::store::{accounts, recurring, transactions};

impl LedgerUseCases {
    /// Lists the transactions with these keys, given as (household, transaction).
    /// Voided transactions, openings and adjustments are omitted.
    pub async fn list_transaction_data(
        &self,
        keys: &[(Uuid, Uuid)],
    ) -> Result<Vec<(Uuid, Transaction)>, Error> {
        let mut found = transactions::find_many(&mut *self.pool.acquire().await?, keys).await?;
        found.retain(|(_, transaction)| {
            transaction.status == TransactionStatus::Posted && !transaction.transaction_type.is_system()
        });
        Ok(found)
    }

    /// Returns a recurring transaction and the currency of its amount.
    pub async fn get_recurring_data(
        &self,
        household_id: Uuid,
        id: Uuid,
    ) -> Result<(Recurring, Currency), Error> {
        let mut connection = self.pool.acquire().await?;
        let found = recurring::find(&mut connection, household_id, id).await?;
        let recurring = found.ok_or_else(|| Error::not_found("recurring transaction"))?;
        let template_currency = recurring.template.currency_code.as_deref().and_then(Currency::from_code);
        let currency = match (template_currency, Uuid::parse_str(&recurring.template.account_id)) {
            (Some(currency), _) => currency,
            (None, Ok(account_id)) => {
                let account = accounts::find(&mut connection, household_id, account_id).await?;
                account.ok_or_else(|| Error::not_found("account"))?.currency()
            }
            (None, Err(_)) => return Err(Error::not_found("account")),
        };
        Ok((recurring, currency))
    }
}
