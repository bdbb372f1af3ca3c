use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::RecurringTransactionResponse;
use crate::extract::{
    Amount, FieldMaskBuilder, IdempotentJson, IfMatch, NoQuery, Patch, RequirePermission, not_null,
    permission,
};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::routes::transactions::split::{SplitRequest, Splits, splits};
use crate::state::AppState;

/// The changes to a recurring transaction; absent fields stay.
///
/// Null clears an optional field.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRecurringRequest {
    /// The account from which, or to which, the money moves.
    #[schema(nullable = false, format = Uuid)]
    #[serde(default, deserialize_with = "not_null")]
    account_id: Option<String>,
    /// The type: `income`, `expense` or `transfer`.
    #[serde(rename = "type", default, deserialize_with = "not_null")]
    #[schema(value_type = Option<enums::NewTransactionType>, nullable = false, example = "expense")]
    kind: Option<String>,
    /// The amount of each occurrence, above zero.
    #[schema(nullable = false, example = "950.00")]
    #[serde(default, deserialize_with = "not_null")]
    amount: Option<Amount>,
    /// The currency of `amount`.
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    currency_code: Option<String>,
    /// The category, which replaces the splits; null: none. Only for income and expenses.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    category_id: Patch<String>,
    /// The account that receives the money; only for transfers.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    to_account_id: Patch<String>,
    /// The amount that arrives at `to_account_id`, in its currency.
    /// Required for a transfer between accounts of different currencies.
    #[schema(value_type = Option<Amount>)]
    #[serde(default)]
    to_amount: Patch<Amount>,
    /// The description, at most 500 characters; null: none.
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    description: Patch<String>,
    /// The reference number, at most 100 characters; null: none.
    #[schema(value_type = Option<String>, max_length = 100)]
    #[serde(default)]
    reference_number: Patch<String>,
    /// The notes, at most 4,000 characters; null: none.
    #[schema(value_type = Option<String>, max_length = 4000)]
    #[serde(default)]
    notes: Patch<String>,
    /// The complete list of tags: at most 20 of at most 50 characters each; null: none.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    tags: Patch<Vec<String>>,
    /// At most 50 splits, which replace the category; null: none.
    #[schema(value_type = Option<Vec<SplitRequest>>)]
    #[serde(default)]
    splits: Patch<Splits>,
    /// The frequency: `daily`, `weekly`, `monthly` or `yearly`; it replaces an `rrule`.
    #[schema(value_type = Option<enums::RecurringFrequency>, nullable = false, example = "monthly")]
    #[serde(default, deserialize_with = "not_null")]
    frequency: Option<String>,
    /// The interval in units of `frequency`, 1 to 1,000.
    #[schema(nullable = false, minimum = 1, maximum = 1000)]
    #[serde(default, deserialize_with = "not_null")]
    interval: Option<i64>,
    /// An RFC 5545 RRULE with a frequency of days or longer, at most 500 characters.
    /// It replaces `frequency` and `interval`.
    #[schema(nullable = false, max_length = 500)]
    #[serde(default, deserialize_with = "not_null")]
    rrule: Option<String>,
    /// The day of the first occurrence as `YYYY-MM-DD`.
    #[schema(nullable = false, example = "2026-01-31")]
    #[serde(default, deserialize_with = "not_null")]
    start_date: Option<String>,
    /// The last day of the schedule, which replaces `count`; null: none.
    #[schema(value_type = Option<chrono::NaiveDate>)]
    #[serde(default)]
    end_date: Patch<String>,
    /// The total number of occurrences, which replaces `end_date`; null: unlimited.
    #[schema(value_type = Option<i64>)]
    #[serde(default)]
    count: Patch<i64>,
    /// The date of an occurrence on a weekend: `keep`, `before` or `after`.
    /// `before` moves it to the Friday before, `after` to the Monday after.
    #[schema(value_type = Option<enums::Weekend>, nullable = false, example = "after")]
    #[serde(default, deserialize_with = "not_null")]
    weekend: Option<String>,
}

/// Update a recurring transaction
///
/// PUT and PATCH are equivalent: they change only the fields that are present. Transactions that
/// are already posted do not change. A new schedule takes effect after the last occurrence, but not
/// before today.
#[utoipa::path(method(put, patch), path = "/transactions/recurring/{id}", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdateRecurringRequest,
    responses((status = 200, description = "The recurring transaction", body = RecurringTransactionResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<UpdateRecurringRequest>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(recurring_id, expected_version, body);
    let response = state.recurring().update_recurring(idempotency.request(request)).await?.into_inner();
    let recurring = response.recurring.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(recurring.version))], axum::Json(RecurringTransactionResponse::from(recurring))))
}

fn request(
    recurring_id: String,
    expected_version: Option<i64>,
    body: UpdateRecurringRequest,
) -> pb::UpdateRecurringRequest {
    let mut mask = FieldMaskBuilder::default();
    let transaction = pb::CreateTransactionRequest {
        account_id: mask.set("account_id", body.account_id).unwrap_or_default(),
        r#type: mask.set("type", body.kind).unwrap_or_default(),
        amount: mask.set("amount", body.amount).unwrap_or_default().0,
        currency_code: mask.set("currency_code", body.currency_code),
        category_id: mask.patch("category_id", body.category_id),
        to_account_id: mask.patch("to_account_id", body.to_account_id),
        to_amount: mask.patch("to_amount", body.to_amount).map(|Amount(text)| text),
        description: mask.patch("description", body.description),
        reference_number: mask.patch("reference_number", body.reference_number),
        notes: mask.patch("notes", body.notes),
        tags: mask.patch("tags", body.tags).unwrap_or_default(),
        transaction_date: None,
        splits: splits(mask.patch("splits", body.splits).unwrap_or_default()),
        recurring: None,
    };
    let schedule = pb::Schedule {
        frequency: mask.set("frequency", body.frequency),
        interval: mask.set("interval", body.interval),
        rrule: mask.set("rrule", body.rrule),
        start_date: mask.set("start_date", body.start_date),
        end_date: mask.patch("end_date", body.end_date),
        count: mask.patch("count", body.count),
        weekend: mask.set("weekend", body.weekend),
    };
    pb::UpdateRecurringRequest {
        recurring_id,
        expected_version,
        update_mask: Some(mask.into_proto()),
        transaction: Some(transaction),
        schedule: Some(schedule),
    }
}
