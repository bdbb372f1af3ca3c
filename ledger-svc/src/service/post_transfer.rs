//! A transfer for another service, which chose its id: however often
//! it is asked for, it is made once. After the first time the answer tells how
//! it stands now.

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::access::{Principal, RequestContext};
use fintrac_kit::date;
use fintrac_kit::idempotency::Key;
use fintrac_money::{Currency, Money};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Ledger;
use crate::domain::posting::{Command, CommandKind, Rejection};
use crate::domain::transaction::{Status, TransactionInput, TransactionType};
use crate::error::Error;
use crate::posting::{CommandSet, Request};
use crate::store::{accounts, exchange_rates, transactions};

/// Money to move from one account to another of a household.
#[derive(Debug, Clone)]
pub struct TransferInput {
    pub household_id: Uuid,
    /// Who wants it.
    pub user_id: Uuid,
    /// The id that the transaction is to have.
    pub transaction_id: Uuid,
    pub account_id: Uuid,
    pub to_account_id: Uuid,
    /// What arrives, in the currency of the account that it goes to; or what
    /// leaves, in that of the account that it comes from.
    pub amount: String,
    pub leaves: bool,
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
    /// The account on the other side, if it is still a transfer.
    pub other_account_id: Option<Uuid>,
}

impl Ledger {
    pub async fn post_transfer(&self, input: TransferInput, request_id: String) -> Result<Transfer, Error> {
        let TransferInput { household_id, user_id, transaction_id, .. } = input;
        // The account in whose currency the amount is.
        let account_id = if input.leaves { input.account_id } else { input.to_account_id };
        match self.find_transfer(household_id, transaction_id, account_id).await {
            Err(Error::Rejected(_)) => {}
            known => return known,
        }
        // What was posted and what not is found by the id; the key makes twins wait.
        let key = Key {
            household_id,
            user_id,
            operation: "SpendingService/PostTransfer".to_owned(),
            key: transaction_id.to_string(),
            fingerprint: Sha256::digest(transaction_id.as_bytes()).into(),
        };
        let origin = RequestOrigin { actor: user_id.to_string(), request_id, ..RequestOrigin::default() };
        let principal = Principal { user_id, session_id: Uuid::nil(), household_id, roles: Vec::new() };
        let household = self.household(&RequestContext { principal, origin: origin.clone() }).await?;
        let kind = CommandKind::Create(self.to_transaction_input(input).await?);
        let command = Command::new(household, kind, transaction_id, self.clock.now());
        let encode = |_: &_| Vec::new();
        let commands = CommandSet::One(Box::new(command));
        self.posting_queue.post(Request { commands, key: Some(key), origin, encode }).await?;
        self.find_transfer(household_id, transaction_id, account_id).await
    }

    /// How a transaction stands on `account_id`, which it once moved money to or from.
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
        let other_account_id = match transaction.to_account_id {
            Some(to) if to == account_id => Some(transaction.account_id),
            to => to.filter(|_| transaction.account_id == account_id),
        };
        Ok(Transfer { status: transaction.status, change, version: transaction.version, other_account_id })
    }

    /// The words of a transfer. Across currencies the other side is counted at
    /// the day's rate: what arrives is a foreign amount, taken from the first account.
    async fn to_transaction_input(&self, input: TransferInput) -> Result<TransactionInput, Error> {
        let mut connection = self.pool.acquire().await?;
        let from = accounts::find(&mut connection, input.household_id, input.account_id).await?;
        let to = accounts::find(&mut connection, input.household_id, input.to_account_id).await?;
        let currencies = from.zip(to).map(|(from, to)| (from.currency(), to.currency()));
        let transaction = TransactionInput {
            account_id: input.account_id.to_string(),
            transaction_type: TransactionType::Transfer.as_str().to_owned(),
            to_account_id: Some(input.to_account_id.to_string()),
            amount: input.amount.clone(),
            description: input.description,
            transaction_date: Some(input.date.clone()),
            ..TransactionInput::default()
        };
        Ok(match currencies.filter(|(from, to)| from != to) {
            None => transaction,
            Some((from, to)) if input.leaves => {
                let arriving =
                    convert_at_day_rate(&mut connection, &input.amount, from, to, &input.date).await?;
                TransactionInput { to_amount: Some(arriving.to_string()), ..transaction }
            }
            Some((_, to)) => TransactionInput {
                currency_code: Some(to.code().to_owned()),
                to_amount: Some(input.amount),
                ..transaction
            },
        })
    }
}

/// What arrives of an amount that leaves, at the day's rate.
async fn convert_at_day_rate(
    connection: &mut PgConnection,
    amount: &str,
    from: Currency,
    to: Currency,
    date: &str,
) -> Result<Money, Error> {
    let unreadable = || Error::Internal("an order that cannot be read".into());
    let leaving = Money::parse(amount, from).ok_or_else(unreadable)?;
    let day = date::parse(date).ok_or_else(unreadable)?;
    let quotes = exchange_rates::newest(connection, [(from, day), (to, day)].into_iter()).await?;
    let rate = quotes.cross(from, to, day).ok_or_else(|| {
        Rejection::field("currency_code", "RATE_NOT_FOUND", "No rate between the two currencies is known.")
    })?;
    Ok(rate.convert(leaving, to).ok_or(Rejection::OutOfRange)?)
}
