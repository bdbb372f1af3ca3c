use chrono::{DateTime, Utc};
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;
use crate::routes::transactions::response::Split;

/// A recurring transaction; each occurrence is posted exactly once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecurringTransaction)]
pub struct RecurringTransactionResponse {
    #[schema(format = Uuid)]
    id: String,
    /// The account from which, or to which, the money moves.
    #[schema(format = Uuid)]
    account_id: String,
    /// The type: `income`, `expense` or `transfer`.
    #[serde(rename = "type")]
    #[schema(example = "expense")]
    kind: String,
    /// The amount of each occurrence, above zero.
    #[schema(example = "900.00")]
    amount: String,
    /// The currency of `amount`; null: the account's currency.
    currency_code: Option<String>,
    /// The category; null: none, or splits.
    #[schema(format = Uuid)]
    category_id: Option<String>,
    /// The splits, instead of a category; may be empty.
    splits: Vec<Split>,
    /// The account that receives the money; null unless it is a transfer.
    #[schema(format = Uuid)]
    to_account_id: Option<String>,
    /// The amount that arrives at `to_account_id`, in its currency; null: not set.
    to_amount: Option<String>,
    /// The description; null: none.
    #[schema(example = "Rent")]
    description: Option<String>,
    /// The reference number; null: none.
    reference_number: Option<String>,
    /// The notes; null: none.
    notes: Option<String>,
    /// The tags; may be empty.
    tags: Vec<String>,
    /// The frequency: `daily`, `weekly`, `monthly` or `yearly`; null with an `rrule`.
    #[schema(example = "monthly")]
    frequency: Option<String>,
    /// The interval in units of `frequency`; null with an `rrule`.
    interval: Option<i64>,
    /// The RFC 5545 RRULE; null with a `frequency`.
    rrule: Option<String>,
    /// The day of the first occurrence.
    #[schema(format = Date, example = "2026-01-31")]
    start_date: Option<String>,
    /// The last day of the schedule; null: none.
    #[schema(format = Date)]
    end_date: Option<String>,
    /// The total number of occurrences; null: unlimited.
    count: Option<i64>,
    /// The date of an occurrence on a weekend: `keep`, `before` or `after`.
    /// `before` moves it to the Friday before, `after` to the Monday after.
    #[schema(example = "keep")]
    weekend: Option<String>,
    /// The status: `active`, `paused` or `completed`.
    #[schema(example = "active")]
    status: String,
    /// The code of the error because of which the next occurrence could not be posted.
    /// The occurrence is posted on resume. Null unless paused by an error.
    #[schema(example = "ACCOUNT_CLOSED")]
    paused_reason: Option<String>,
    /// The date of the next occurrence; null if completed.
    #[schema(format = Date, example = "2026-02-28")]
    next_occurrence: Option<String>,
    /// The dates of the next occurrences, at most ten.
    #[schema(value_type = Vec<chrono::NaiveDate>)]
    preview: Vec<String>,
    /// The day of the last occurrence that was posted; null: none.
    #[schema(format = Date)]
    last_occurrence: Option<String>,
    /// The transaction of the last occurrence; null: none.
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
