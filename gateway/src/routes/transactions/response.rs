use chrono::{DateTime, Utc};
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// Something that moved money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transaction)]
pub struct TransactionResponse {
    #[schema(format = Uuid)]
    id: String,
    /// income, expense or transfer; made by the system: opening, adjustment.
    #[serde(rename = "type")]
    #[schema(example = "expense")]
    kind: String,
    /// posted or voided.
    #[schema(example = "posted")]
    status: String,
    #[schema(format = Uuid)]
    account_id: String,
    /// Transfers only.
    #[schema(format = Uuid)]
    to_account_id: Option<String>,
    #[schema(format = Uuid)]
    category_id: Option<String>,
    /// Instead of one category; they sum to the amount.
    splits: Vec<Split>,
    /// As it was said; signed for openings and adjustments, else positive.
    #[schema(example = "12.50")]
    amount: String,
    #[schema(example = "EUR")]
    currency_code: String,
    /// The same in the account's currency.
    #[schema(example = "12.50")]
    account_amount: String,
    #[schema(example = "EUR")]
    account_currency_code: String,
    /// What arrived; transfers only.
    to_amount: Option<String>,
    to_currency_code: Option<String>,
    /// Its size in the household's currency, frozen; null as long as no rate is known.
    #[schema(example = "12.50")]
    household_amount: Option<String>,
    #[schema(example = "EUR")]
    household_currency_code: String,
    /// From `currency_code` to `account_currency_code`, where they differ.
    exchange_rate: Option<Rate>,
    description: Option<String>,
    reference_number: Option<String>,
    notes: Option<String>,
    tags: Vec<String>,
    #[schema(format = Date, example = "2026-03-31")]
    transaction_date: String,
    /// The recurring transaction that made it.
    #[schema(format = Uuid)]
    recurring_id: Option<String>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

/// A part of an amount that has a category of its own.
#[derive(Debug, Serialize, ToSchema)]
pub struct Split {
    #[schema(format = Uuid)]
    category_id: String,
    #[schema(example = "4.50")]
    amount: String,
    /// Share of the transaction's `account_amount`; the shares sum to it.
    #[schema(example = "4.50")]
    account_amount: Option<String>,
    /// Share of its `household_amount`; null while no rate is known.
    #[schema(example = "4.50")]
    household_amount: Option<String>,
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

/// Units of the target for one unit of the source currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rate {
    #[schema(example = "1.1172")]
    rate: String,
    /// The day that it was published for.
    #[schema(format = Date, example = "2026-03-30")]
    date: String,
    /// bundled, ecb, currency_api, manual; identity between a currency and itself.
    #[schema(example = "ecb")]
    source: String,
}

impl From<pb::Rate> for Rate {
    fn from(rate: pb::Rate) -> Self {
        Self { rate: rate.rate, date: rate.date, source: rate.source }
    }
}

impl TransactionResponse {
    /// Id, description, date, amount and currency, for a table.
    pub fn csv_summary(&self) -> (String, String, String, String, String) {
        let description = self.description.clone().unwrap_or_default();
        let (amount, currency) = (self.amount.clone(), self.currency_code.clone());
        (self.id.clone(), description, self.transaction_date.clone(), amount, currency)
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
