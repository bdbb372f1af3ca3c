use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::TransactionResponse;
use super::split::{SplitRequest, Splits, splits};
use crate::extract::{Amount, IdempotentJson, NoQuery, RequirePermission, StrictObject, permission};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::routes::recurring::schedule::RecurringSchedule;
use crate::state::AppState;

/// A transaction to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTransactionRequest {
    #[schema(required = true, format = Uuid)]
    #[serde(default)]
    account_id: String,
    /// income, expense or transfer.
    #[serde(rename = "type", default)]
    #[schema(value_type = enums::NewTransactionType, required = true, example = "expense")]
    kind: String,
    /// Above zero, a string or a number.
    #[schema(required = true, example = "12.50")]
    #[serde(default)]
    amount: Amount,
    /// Default: the account's. Another one is converted at the day's rate, and both are kept.
    #[schema(example = "EUR")]
    currency_code: Option<String>,
    /// Of income and expenses. An income with an expense category is a refund.
    #[schema(format = Uuid)]
    category_id: Option<String>,
    /// Of transfers.
    #[schema(format = Uuid)]
    to_account_id: Option<String>,
    /// What arrives, where the accounts' currencies differ.
    #[schema(example = "13.97")]
    to_amount: Option<Amount>,
    #[schema(max_length = 500, example = "Lunch")]
    description: Option<String>,
    #[schema(max_length = 100)]
    reference_number: Option<String>,
    #[schema(max_length = 4000)]
    notes: Option<String>,
    /// At most 20, of at most 50 characters.
    #[schema(example = json!(["work"]))]
    tags: Option<Vec<String>>,
    /// A day, or an RFC 3339 time whose date is taken; default: today in the household's zone.
    #[schema(example = "2026-03-31")]
    transaction_date: Option<String>,
    /// Instead of a category: at most 50, which sum to the amount.
    #[schema(value_type = Option<Vec<SplitRequest>>)]
    splits: Option<Splits>,
    /// It is the first of many, which are posted when their days come.
    #[schema(value_type = Option<RecurringSchedule>)]
    recurring: Option<StrictObject<RecurringSchedule>>,
}

impl From<CreateTransactionRequest> for pb::CreateTransactionRequest {
    fn from(body: CreateTransactionRequest) -> Self {
        Self {
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
            transaction_date: body.transaction_date,
            splits: splits(body.splits.unwrap_or_default()),
            recurring: body.recurring.map(|StrictObject(schedule)| Box::new(schedule.into())),
        }
    }
}

/// Record income, an expense or a transfer
///
/// Posted at once, in two entries or more that sum to zero. With a key a repeated request gets the first answer.
/// A transfer across currencies says what arrived in `to_amount`.
#[utoipa::path(post, path = "/transactions", tag = "transactions", security(("access_token" = ["transactions:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body again: the first answer again")),
    request_body = CreateTransactionRequest,
    responses((status = 201, description = "The transaction", body = TransactionResponse,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "true on an answer kept from the first request with this key"))), WriteProblems))]
pub async fn create_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<CreateTransactionRequest>,
) -> Result<Response, Problem> {
    let request = pb::CreateTransactionRequest::from(body);
    let mut response = state.transactions().create_transaction(idempotency.request(request)).await?;
    let transaction = response.get_mut().transaction.take().ok_or_else(Problem::internal)?;
    let location = format!("/api/v1/transactions/{}", transaction.id);
    let headers = [(LOCATION, location), (ETAG, etag(transaction.version))];
    Ok(idempotency.mark_replayed(
        &response,
        (StatusCode::CREATED, headers, axum::Json(TransactionResponse::from(transaction))),
    ))
}
