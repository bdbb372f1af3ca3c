use chrono::{DateTime, Utc};
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::transactions::view::SplitView;
use crate::routes::wire::instant;

/// A transaction that is posted again and again, each occurrence exactly once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecurringTransaction)]
pub struct RecurringView {
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
    splits: Vec<SplitView>,
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

impl From<pb::Recurring> for RecurringView {
    fn from(it: pb::Recurring) -> Self {
        let transaction = it.transaction.unwrap_or_default();
        let schedule = it.schedule.unwrap_or_default();
        Self {
            id: it.id,
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
            status: it.status,
            paused_reason: it.paused_reason,
            next_occurrence: it.next_occurrence,
            preview: it.preview,
            last_occurrence: it.last_occurrence,
            last_transaction_id: it.last_transaction_id,
            created_at: it.created_at.and_then(instant),
            updated_at: it.updated_at.and_then(instant),
        }
    }
}
