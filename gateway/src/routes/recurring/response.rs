use chrono::{DateTime, Utc};
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;
use crate::routes::transactions::response::Split;

/// A transaction that is posted again and again, each occurrence exactly once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecurringTransaction)]
pub struct RecurringTransactionResponse {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Uuid)]
    account_id: String,
    /// income, expense or transfer.
    #[serde(rename = "type")]
    #[schema(example = "expense")]
    kind: String,
    #[schema(example = "900.00")]
    amount: String,
    /// Null: the account's.
    currency_code: Option<String>,
    #[schema(format = Uuid)]
    category_id: Option<String>,
    splits: Vec<Split>,
    #[schema(format = Uuid)]
    to_account_id: Option<String>,
    to_amount: Option<String>,
    #[schema(example = "Rent")]
    description: Option<String>,
    reference_number: Option<String>,
    notes: Option<String>,
    tags: Vec<String>,
    /// Null with an rrule.
    #[schema(example = "monthly")]
    frequency: Option<String>,
    interval: Option<i64>,
    rrule: Option<String>,
    #[schema(format = Date, example = "2026-01-31")]
    start_date: Option<String>,
    #[schema(format = Date)]
    end_date: Option<String>,
    count: Option<i64>,
    /// keep, before or after.
    #[schema(example = "keep")]
    weekend: Option<String>,
    /// active, paused or completed.
    #[schema(example = "active")]
    status: String,
    /// Why the next occurrence could not be posted; it is made up for when resumed. Null when a
    /// user paused it.
    #[schema(example = "ACCOUNT_CLOSED")]
    paused_reason: Option<String>,
    /// The day that the next occurrence will be dated; null when completed.
    #[schema(format = Date, example = "2026-02-28")]
    next_occurrence: Option<String>,
    /// The days of the next ten.
    #[schema(value_type = Vec<chrono::NaiveDate>)]
    preview: Vec<String>,
    #[schema(format = Date)]
    last_occurrence: Option<String>,
    #[schema(format = Uuid)]
    last_transaction_id: Option<String>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<pb::Recurring> for RecurringTransactionResponse {
    fn from(recurring: pb::Recurring) -> Self {
        let transaction = recurring.transaction.unwrap_or_default();
        let schedule = recurring.schedule.unwrap_or_default();
        Self {
            id: recurring.id,
            account_id: transaction.account_id,
            kind: transaction.r#type,
            amount: transaction.amount,
            currency_code: transaction.currency_code,
            category_id: transaction.category_id,
            splits: transaction.splits.into_iter().map(Into::into).collect(),
            to_account_id: transaction.to_account_id,
            to_amount: transaction.to_amount,
            description: transaction.description,
            reference_number: transaction.reference_number,
            notes: transaction.notes,
            tags: transaction.tags,
            frequency: schedule.frequency,
            interval: schedule.interval,
            rrule: schedule.rrule,
            start_date: schedule.start_date,
            end_date: schedule.end_date,
            count: schedule.count,
            weekend: schedule.weekend,
            status: recurring.status,
            paused_reason: recurring.paused_reason,
            next_occurrence: recurring.next_occurrence,
            preview: recurring.preview,
            last_occurrence: recurring.last_occurrence,
            last_transaction_id: recurring.last_transaction_id,
            created_at: recurring.created_at.and_then(to_datetime),
            updated_at: recurring.updated_at.and_then(to_datetime),
        }
    }
}
