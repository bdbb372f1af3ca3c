use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::RecurringTransactionResponse;
use crate::extract::{Amount, IdempotentJson, NoQuery, RequirePermission, permission};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::routes::transactions::split::{SplitRequest, Splits, splits};
use crate::state::AppState;

/// A transaction to post again and again: `frequency` and `interval`, or `rrule`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRecurringRequest {
    #[schema(required = true, format = Uuid)]
    #[serde(default)]
    account_id: String,
    /// income, expense or transfer.
    #[serde(rename = "type", default)]
    #[schema(value_type = enums::NewTransactionType, required = true, example = "expense")]
    kind: String,
    #[schema(required = true, example = "900.00")]
    #[serde(default)]
    amount: Amount,
    /// Default: the account's. Another one is converted at each day's rate.
    #[schema(example = "EUR")]
    currency_code: Option<String>,
    #[schema(format = Uuid)]
    category_id: Option<String>,
    /// Of transfers.
    #[schema(format = Uuid)]
    to_account_id: Option<String>,
    /// What arrives, where the accounts' currencies differ.
    to_amount: Option<Amount>,
    #[schema(max_length = 500, example = "Rent")]
    description: Option<String>,
    #[schema(max_length = 100)]
    reference_number: Option<String>,
    #[schema(max_length = 4000)]
    notes: Option<String>,
    tags: Option<Vec<String>>,
    /// Instead of a category.
    #[schema(value_type = Option<Vec<SplitRequest>>)]
    splits: Option<Splits>,
    /// daily, weekly, monthly or yearly; month-ends are kept.
    #[schema(value_type = Option<enums::RecurringFrequency>, example = "monthly")]
    frequency: Option<String>,
    /// Every so many of them, 1 to 1,000; default 1.
    #[schema(minimum = 1, maximum = 1000)]
    interval: Option<i64>,
    /// Parts of an RFC 5545 RRULE of days or longer.
    #[schema(max_length = 500)]
    rrule: Option<String>,
    /// At most a year ago; default: today in the household's zone. What is past is posted at once.
    #[schema(example = "2026-01-31")]
    start_date: Option<String>,
    /// The last day, or
    #[schema(example = "2026-12-31")]
    end_date: Option<String>,
    /// the number of all occurrences.
    #[schema(minimum = 1, maximum = 100_000)]
    count: Option<i64>,
    /// What happens on a Saturday or Sunday: keep (default), before or after.
    #[schema(value_type = Option<enums::Weekend>, example = "before")]
    weekend: Option<String>,
}

impl From<CreateRecurringRequest> for pb::CreateRecurringRequest {
    fn from(body: CreateRecurringRequest) -> Self {
        let transaction = pb::CreateTransactionRequest {
            account_id: body.account_id,
            r#type: body.kind,
            amount: body.amount.0,
            currency_code: body.currency_code,
            category_id: body.category_id,
            to_account_id: body.to_account_id,
            to_amount: body.to_amount.map(|Amount(text)| text),
            description: body.description,
            reference_number: body.reference_number,
            notes: body.notes,
            tags: body.tags.unwrap_or_default(),
            transaction_date: None,
            splits: splits(body.splits.unwrap_or_default()),
            recurring: None,
        };
        let schedule = pb::Schedule {
            frequency: body.frequency,
            interval: body.interval,
            rrule: body.rrule,
            start_date: body.start_date,
            end_date: body.end_date,
            count: body.count,
            weekend: body.weekend,
        };
        Self { transaction: Some(transaction), schedule: Some(schedule) }
    }
}

/// Post a transaction again and again
///
/// Each occurrence is posted exactly once, as its day begins in the household's zone. One that
/// cannot be posted pauses the rest and is told.
#[utoipa::path(post, path = "/transactions/recurring", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body again: the first answer again")),
    request_body = CreateRecurringRequest,
    responses((status = 201, description = "The recurring transaction", body = RecurringTransactionResponse,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "true on an answer kept from the first request with this key"))), WriteProblems))]
pub async fn create_recurring(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<CreateRecurringRequest>,
) -> Result<Response, Problem> {
    let request = pb::CreateRecurringRequest::from(body);
    let mut response = state.recurring().create_recurring(idempotency.request(request)).await?;
    let recurring = response.get_mut().recurring.take().ok_or_else(Problem::internal)?;
    let location = format!("/api/v1/transactions/recurring/{}", recurring.id);
    let headers = [(LOCATION, location), (ETAG, etag(recurring.version))];
    Ok(idempotency.mark_replayed(
        &response,
        (StatusCode::CREATED, headers, axum::Json(RecurringTransactionResponse::from(recurring))),
    ))
}
