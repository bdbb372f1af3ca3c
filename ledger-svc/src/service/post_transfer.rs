//! Posts a transfer once, under an id that another service chose.
//!
//! The response to a repeated request is the transfer's current state.

use fintrac_money::{Currency, Money};
use kit_access::caller::RequestOrigin;
use kit_core::date;
use kit_core::error::{FieldCode, FieldViolation, ProblemCode};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{LedgerUseCases, posting_context};
use crate::domain::details::TransactionDetails;
use crate::domain::posting::{Command, CommandKind, Rejection};
use crate::domain::transaction::{TransactionInput, TransactionStatus, TransactionType};
use crate::error::Error;
use crate::store::{accounts, exchange_rates, transactions};

/// A transfer to post between two accounts of a household.
#[derive(Debug, Clone)]
pub struct TransferInput {
    pub household_id: Uuid,
    /// The user who makes the transfer.
    pub user_id: Uuid,
    /// The id of the transaction to create.
    pub transaction_id: Uuid,
    pub account_id: Uuid,
    pub to_account_id: Uuid,
    /// The amount that arrives or leaves, in the currency of that side's account.
    pub amount: String,
    /// Whether `amount` states what leaves instead of what arrives.
    pub is_source_amount: bool,
    pub description: Option<String>,
    /// The transaction date.
    pub date: String,
}

/// The effect of a transaction on one account.
#[derive(Debug, Clone, Copy)]
pub struct Transfer {
    pub status: TransactionStatus,
    /// The signed change of the account's balance.
    pub change: Money,
    pub version: i64,
    /// The account on the other side, if the transaction is still a transfer.
    pub other_account_id: Option<Uuid>,
}

impl LedgerUseCases {
    pub async fn post_transfer(&self, input: TransferInput, request_id: String) -> Result<Transfer, Error> {
        let TransferInput { household_id, user_id, transaction_id, .. } = input;
        // The amount is in the currency of this account.
        let account_id = if input.is_source_amount { input.account_id } else { input.to_account_id };
        match self.find_transfer(household_id, transaction_id, account_id).await {
            Err(error) if error.code() == Some(ProblemCode::NotFound) => {}
            known => return known,
        }
        let origin = RequestOrigin { actor: user_id.to_string(), request_id, ..RequestOrigin::default() };
        let operation = "SpendingService/PostTransfer";
        let ctx = posting_context(household_id, user_id, origin, operation, transaction_id);
        let household = self.household(&ctx).await?;
        let kind = CommandKind::Create(self.to_transaction_input(input).await?);
        let command = Command::new(household, kind, transaction_id, self.clock.now());
        match self.posting_queue.post(command, ctx).await {
            Ok(_) | Err(Error::Replayed(_)) => {
                self.find_transfer(household_id, transaction_id, account_id).await
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the current effect of a transfer on one of its original accounts.
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
            TransactionStatus::Posted => transaction.change_on(account_id).unwrap_or(nothing),
            TransactionStatus::Voided => nothing,
        };
        let other_account_id = match transaction.to_account_id {
            Some(to) if to == account_id => Some(transaction.account_id),
            to => to.filter(|_| transaction.account_id == account_id),
        };
        Ok(Transfer { status: transaction.status, change, version: transaction.version, other_account_id })
    }

    /// Builds the transaction of a transfer.
    ///
    /// Across currencies the other side is converted at the day's rate. An amount that
    /// arrives is a foreign amount, taken from the first account.
    async fn to_transaction_input(&self, input: TransferInput) -> Result<TransactionInput, Error> {
        let mut connection = self.pool.acquire().await?;
        let from = accounts::find(&mut connection, input.household_id, input.account_id).await?;
        let to = accounts::find(&mut connection, input.household_id, input.to_account_id).await?;
        let currencies = from.zip(to).map(|(from, to)| (from.currency(), to.currency()));
        let transaction = TransactionInput {
            account_id: input.account_id.to_string(),
            transaction_type: TransactionType::Transfer.into_str().to_owned(),
            to_account_id: Some(input.to_account_id.to_string()),
            amount: input.amount.clone(),
            details: TransactionDetails { description: input.description, ..TransactionDetails::default() },
            transaction_date: Some(input.date.clone()),
            ..TransactionInput::default()
        };
        Ok(match currencies.filter(|(from, to)| from != to) {
            None => transaction,
            Some((from, to)) if input.is_source_amount => {
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

/// Converts the amount that leaves into the one that arrives, at the day's rate.
async fn convert_at_day_rate(
    connection: &mut PgConnection,
    amount: &str,
    from: Currency,
    to: Currency,
    date: &str,
) -> Result<Money, Error> {
    let unreadable = || Error::Internal("the transfer cannot be parsed".into());
    let leaving = Money::parse(amount, from).ok_or_else(unreadable)?;
    let day = date::parse(date).ok_or_else(unreadable)?;
    let quotes = exchange_rates::newest(connection, [(from, day), (to, day)].into_iter()).await?;
    let rate = quotes.cross(from, to, day).ok_or_else(|| {
        let text = "No exchange rate between the two currencies is known up to that day. Choose a later day.";
        Error::from(FieldViolation::new("currency_code", FieldCode::RateNotFound, text))
    })?;
    Ok(rate.convert(leaving, to).ok_or(Rejection::OutOfRange)?)
}
