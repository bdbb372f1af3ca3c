use chrono::{DateTime, Utc};
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A transaction: income, an expense, a transfer, an opening or an adjustment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transaction)]
pub struct TransactionResponse {
    #[schema(format = Uuid)]
    id: String,
    /// The type: `income`, `expense`, `transfer`, `opening` or `adjustment`.
    /// `opening` and `adjustment` are created by the system.
    #[serde(rename = "type")]
    #[schema(example = "expense")]
    kind: String,
    /// The status: `posted` or `voided`.
    #[schema(example = "posted")]
    status: String,
    /// The account from which, or to which, the money moves.
    #[schema(format = Uuid)]
    account_id: String,
    /// The account that receives the money; null unless it is a transfer.
    #[schema(format = Uuid)]
    to_account_id: Option<String>,
    /// The category; null: none, or splits.
    #[schema(format = Uuid)]
    category_id: Option<String>,
    /// The splits, instead of a category; their amounts sum to `amount`. May be empty.
    splits: Vec<Split>,
    /// The amount as entered; signed for openings and adjustments, otherwise positive.
    #[schema(example = "12.50")]
    amount: String,
    /// The currency of `amount`.
    #[schema(example = "EUR")]
    currency_code: String,
    /// The amount in `account_currency_code`.
    #[schema(example = "12.50")]
    account_amount: String,
    /// The account's currency.
    #[schema(example = "EUR")]
    account_currency_code: String,
    /// The amount that arrived at `to_account_id`, in `to_currency_code`.
    /// Null unless it is a transfer.
    to_amount: Option<String>,
    /// The currency of `to_amount`; null unless it is a transfer.
    to_currency_code: Option<String>,
    /// The absolute amount in the household's currency.
    /// It does not change with later rates. Null until an exchange rate is known.
    #[schema(example = "12.50")]
    household_amount: Option<String>,
    /// The household's currency.
    #[schema(example = "EUR")]
    household_currency_code: String,
    /// The exchange rate from `currency_code` to `account_currency_code`.
    /// Null if they are equal.
    exchange_rate: Option<Rate>,
    /// The description; null: none.
    description: Option<String>,
    /// The reference number; null: none.
    reference_number: Option<String>,
    /// The notes; null: none.
    notes: Option<String>,
    /// The tags; may be empty.
    tags: Vec<String>,
    /// The day of the transaction.
    #[schema(format = Date, example = "2026-03-31")]
    transaction_date: String,
    /// The recurring transaction that created this one; null: none.
    #[schema(format = Uuid)]
    recurring_id: Option<String>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

/// A part of the amount of a transaction, with its own category.
#[derive(Debug, Serialize, ToSchema)]
pub struct Split {
    /// The category of the split.
    #[schema(format = Uuid)]
    category_id: String,
    /// The amount of the split in the transaction's currency.
    #[schema(example = "4.50")]
    amount: String,
    /// The share of the transaction's `account_amount`; the shares sum to it.
    #[schema(example = "4.50")]
    account_amount: Option<String>,
    /// The share of the transaction's `household_amount`.
    /// Null until an exchange rate is known.
    #[schema(example = "4.50")]
    household_amount: Option<String>,
    /// The description; null: none.
    description: Option<String>,
}

impl From<pb::Split> for Split {
    fn from(split: pb::Split) -> Self {
        Self {
            category_id: split.category_id,
            amount: split.amount,
            account_amount: split.account_amount,
            household_amount: split.household_amount,
            description: split.description,
        }
    }
}

/// An exchange rate.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rate {
    /// The number of units of the target currency per unit of the source currency.
    #[schema(example = "1.1172")]
    rate: String,
    /// The day for which the rate was published.
    #[schema(format = Date, example = "2026-03-30")]
    date: String,
    /// The source: `bundled`, `ecb`, `currency_api`, `manual` or `identity`.
    /// `identity` is the rate between a currency and itself.
    #[schema(example = "ecb")]
    source: String,
}

impl From<pb::Rate> for Rate {
    fn from(rate: pb::Rate) -> Self {
        Self { rate: rate.rate, date: rate.date, source: rate.source }
    }
}

impl TransactionResponse {
    /// Returns id, description, date, amount and currency for a CSV table.
    pub fn csv_summary(&self) -> [&str; 5] {
        let description = self.description.as_deref().unwrap_or_default();
        [&self.id, description, &self.transaction_date, &self.amount, &self.currency_code]
    }
}

impl From<pb::Transaction> for TransactionResponse {
    fn from(transaction: pb::Transaction) -> Self {
        Self {
            id: transaction.id,
            kind: transaction.r#type,
            status: transaction.status,
            account_id: transaction.account_id,
            to_account_id: transaction.to_account_id,
            category_id: transaction.category_id,
            splits: transaction.splits.into_iter().map(Into::into).collect(),
            amount: transaction.amount,
            currency_code: transaction.currency_code,
            account_amount: transaction.account_amount,
            account_currency_code: transaction.account_currency_code,
            to_amount: transaction.to_amount,
            to_currency_code: transaction.to_currency_code,
            household_amount: transaction.household_amount,
            household_currency_code: transaction.household_currency_code,
            exchange_rate: transaction.exchange_rate.map(Into::into),
            description: transaction.description,
            reference_number: transaction.reference_number,
            notes: transaction.notes,
            tags: transaction.tags,
            transaction_date: transaction.transaction_date,
            recurring_id: transaction.recurring_id,
            created_at: transaction.created_at.and_then(to_datetime),
            updated_at: transaction.updated_at.and_then(to_datetime),
        }
    }
}
