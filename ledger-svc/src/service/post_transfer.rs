//! A transfer for another part of the suite, which chose its id: however often
//! it is asked for, it is made once. After the first time the answer tells how
//! it stands now.

use fintrac_kit::access::caller::Origin;
use fintrac_kit::access::{By, Principal};
use fintrac_kit::idempotency::Key;
use fintrac_money::Money;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Ledger;
use crate::domain::posting::{Command, Order};
use crate::domain::transaction::{Status, TransactionInput, TransactionType};
use crate::error::Error;
use crate::posting::{Request, Work};
use crate::store::{accounts, transactions};

/// Money to move from one account to another of a household.
#[derive(Debug, Clone)]
pub struct TransferOrder {
    pub household_id: Uuid,
    /// Who wants it.
    pub user_id: Uuid,
    /// The id that the transaction is to have.
    pub transaction_id: Uuid,
    pub account_id: Uuid,
    pub to_account_id: Uuid,
    /// What arrives, in the currency of the account that it goes to.
    pub amount: String,
    pub description: Option<String>,
    /// The day that it is dated.
    pub date: String,
}

/// What a transaction means for one account.
#[derive(Debug, Clone, Copy)]
pub struct Transfer {
    pub status: Status,
    /// What stands on the account because of it, signed.
    pub change: Money,
    pub version: i64,
    /// Where the money comes from, if it is still a transfer to the account.
    pub from: Option<Uuid>,
}

impl Ledger {
    pub async fn post_transfer(&self, order: TransferOrder, request_id: String) -> Result<Transfer, Error> {
        let TransferOrder { household_id, user_id, transaction_id, to_account_id, .. } = order;
        match self.find_transfer(household_id, transaction_id, to_account_id).await {
            Err(Error::Rejected(_)) => {}
            known => return known,
        }
        // What was posted and what not is found by the id; the key makes twins wait.
        let key = Key {
            household_id,
            user_id,
            operation: "BudgetingService/PostTransfer".to_owned(),
            key: transaction_id.to_string(),
            fingerprint: Sha256::digest(transaction_id.as_bytes()).into(),
        };
        let origin = Origin { actor: user_id.to_string(), request_id, ..Origin::default() };
        let principal = Principal { user_id, session_id: Uuid::nil(), household_id, roles: Vec::new() };
        let household = self.household(&By { principal, origin: origin.clone() }).await?;
        let order = Order::Create(self.transfer(order).await?);
        let command = Command::new(household, order, transaction_id, self.clock.now());
        let encode = |_: &_| Vec::new();
        let work = Work::One(Box::new(command));
        self.posting.post(Request { work, key: Some(key), origin, encode }).await?;
        self.find_transfer(household_id, transaction_id, to_account_id).await
    }

    /// How a transaction stands on `account_id`, to which it once went.
    pub async fn find_transfer(
        &self,
        household_id: Uuid,
        transaction_id: Uuid,
        account_id: Uuid,
    ) -> Result<Transfer, Error> {
        let mut connection = self.pool.acquire().await?;
        let found = transactions::find(&mut connection, household_id, transaction_id).await?;
        let transaction = found.ok_or_else(|| Error::not_found("transaction"))?;
        let account = accounts::find(&mut connection, household_id, account_id).await?;
        let nothing = Money::new(0, account.ok_or_else(|| Error::not_found("account"))?.currency());
        let change = match transaction.status {
            Status::Posted => transaction.change_on(account_id).unwrap_or(nothing),
            Status::Voided => nothing,
        };
        let from = (transaction.to_account_id == Some(account_id)).then_some(transaction.account_id);
        Ok(Transfer { status: transaction.status, change, version: transaction.version, from })
    }

    /// The words of a transfer; across currencies the amount is a foreign one,
    /// taken from the first account at the day's rate.
    async fn transfer(&self, order: TransferOrder) -> Result<TransactionInput, Error> {
        let mut connection = self.pool.acquire().await?;
        let from = accounts::find(&mut connection, order.household_id, order.account_id).await?;
        let to = accounts::find(&mut connection, order.household_id, order.to_account_id).await?;
        let arriving = to.map(|account| account.currency());
        let crossed = from.map(|account| account.currency()) != arriving;
        let arriving = arriving.filter(|_| crossed);
        Ok(TransactionInput {
            account_id: order.account_id.to_string(),
            transaction_type: TransactionType::Transfer.as_str().to_owned(),
            currency_code: arriving.map(|currency| currency.code().to_owned()),
            to_account_id: Some(order.to_account_id.to_string()),
            to_amount: arriving.map(|_| order.amount.clone()),
            amount: order.amount,
            description: order.description,
            transaction_date: Some(order.date),
            ..TransactionInput::default()
        })
    }
}
