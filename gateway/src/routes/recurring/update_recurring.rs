use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::RecurringView;
use crate::extract::{
    AmountText, Change, IfMatch, Mask, NoParams, OnceJson, Permitted, not_null, permission,
};
use crate::openapi::{WriteProblems, words};
use crate::problem::Problem;
use crate::routes::transactions::split::{SplitBody, Splits, splits};
use crate::routes::wire::etag;
use crate::state::AppState;

/// What is to change; absent fields stay, `null` clears an optional one.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateRecurringRequest)]
#[serde(deny_unknown_fields)]
pub struct UpdateRecurringBody {
    #[schema(nullable = false, format = Uuid)]
    #[serde(default, deserialize_with = "not_null")]
    account_id: Option<String>,
    /// income, expense or transfer.
    #[serde(rename = "type", default, deserialize_with = "not_null")]
    #[schema(value_type = Option<words::NewTransactionType>, nullable = false, example = "expense")]
    kind: Option<String>,
    #[schema(nullable = false, example = "950.00")]
    #[serde(default, deserialize_with = "not_null")]
    amount: Option<AmountText>,
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    currency_code: Option<String>,
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    category_id: Change<String>,
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    to_account_id: Change<String>,
    #[schema(value_type = Option<AmountText>)]
    #[serde(default)]
    to_amount: Change<AmountText>,
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    description: Change<String>,
    #[schema(value_type = Option<String>, max_length = 100)]
    #[serde(default)]
    reference_number: Change<String>,
    #[schema(value_type = Option<String>, max_length = 4000)]
    #[serde(default)]
    notes: Change<String>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    tags: Change<Vec<String>>,
    #[schema(value_type = Option<Vec<SplitBody>>)]
    #[serde(default)]
    splits: Change<Splits>,
    /// daily, weekly, monthly or yearly; takes the place of an rrule.
    #[schema(value_type = Option<words::Frequency>, nullable = false, example = "monthly")]
    #[serde(default, deserialize_with = "not_null")]
    frequency: Option<String>,
    #[schema(nullable = false, minimum = 1, maximum = 1000)]
    #[serde(default, deserialize_with = "not_null")]
    interval: Option<i64>,
    /// Takes the place of frequency and interval.
    #[schema(nullable = false, max_length = 500)]
    #[serde(default, deserialize_with = "not_null")]
    rrule: Option<String>,
    #[schema(nullable = false, example = "2026-01-31")]
    #[serde(default, deserialize_with = "not_null")]
    start_date: Option<String>,
    #[schema(value_type = Option<chrono::NaiveDate>)]
    #[serde(default)]
    end_date: Change<String>,
    #[schema(value_type = Option<i64>)]
    #[serde(default)]
    count: Change<i64>,
    /// keep, before or after.
    #[schema(value_type = Option<words::Weekend>, nullable = false, example = "after")]
    #[serde(default, deserialize_with = "not_null")]
    weekend: Option<String>,
}

/// Change a recurring transaction
///
/// What was posted stays. Another schedule goes on after the last occurrence and not before today.
/// PUT and PATCH do the same: only the fields present change.
#[utoipa::path(method(put, patch), path = "/transactions/recurring/{id}", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = UpdateRecurringBody,
    responses((status = 200, description = "The recurring transaction", body = RecurringView, headers(("ETag" = String))), WriteProblems))]
pub async fn update_recurring(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(if_version): IfMatch,
    OnceJson(once, body): OnceJson<UpdateRecurringBody>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(recurring_id, if_version, body);
    let answer = state.recurring().update_recurring(once.request(request)).await?.into_inner();
    let it = answer.recurring.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(it.version))], axum::Json(RecurringView::from(it))))
}

fn request(
    recurring_id: String,
    if_version: Option<i64>,
    body: UpdateRecurringBody,
) -> pb::UpdateRecurringRequest {
    let mut mask = Mask::default();
    let transaction = pb::CreateTransactionRequest {
        account_id: mask.set("account_id", body.account_id).unwrap_or_default(),
        r#type: mask.set("type", body.kind).unwrap_or_default(),
        amount: mask.set("amount", body.amount).unwrap_or_default().0,
        currency_code: mask.set("currency_code", body.currency_code),
        category_id: mask.change("category_id", body.category_id),
        to_account_id: mask.change("to_account_id", body.to_account_id),
        to_amount: mask.change("to_amount", body.to_amount).map(|AmountText(text)| text),
        description: mask.change("description", body.description),
        reference_number: mask.change("reference_number", body.reference_number),
        notes: mask.change("notes", body.notes),
        tags: mask.change("tags", body.tags).unwrap_or_default(),
        transaction_date: None,
        splits: splits(mask.change("splits", body.splits).unwrap_or_default()),
        recurring: None,
    };
    let schedule = pb::Schedule {
        frequency: mask.set("frequency", body.frequency),
        interval: mask.set("interval", body.interval),
        rrule: mask.set("rrule", body.rrule),
        start_date: mask.set("start_date", body.start_date),
        end_date: mask.change("end_date", body.end_date),
        count: mask.change("count", body.count),
        weekend: mask.set("weekend", body.weekend),
    };
    pb::UpdateRecurringRequest {
        recurring_id,
        if_version,
        update_mask: Some(mask.into_proto()),
        transaction: Some(transaction),
        schedule: Some(schedule),
    }
}
