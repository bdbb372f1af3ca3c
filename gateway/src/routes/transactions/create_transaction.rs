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

/// The transaction to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTransactionRequest {
    /// The account from which, or to which, the money moves.
    #[schema(required = true, format = Uuid)]
    #[serde(default)]
    account_id: String,
    /// The type: `income`, `expense` or `transfer`.
    #[serde(rename = "type", default)]
    #[schema(value_type = enums::NewTransactionType, required = true, example = "expense")]
    kind: String,
    /// The amount, above zero, as a string or a number.
    #[schema(required = true, example = "12.50")]
    #[serde(default)]
    amount: Amount,
    /// The currency of `amount`; default: the account's currency.
    /// Another currency is converted at the exchange rate of the day; both amounts are stored.
    #[schema(example = "EUR")]
    currency_code: Option<String>,
    /// The category; only for income and expenses.
    /// Income with an expense category is a refund.
    #[schema(format = Uuid)]
    category_id: Option<String>,
    /// The account that receives the money; only for transfers.
    #[schema(format = Uuid)]
    to_account_id: Option<String>,
    /// The amount that arrives at `to_account_id`, in its currency.
    /// Required for a transfer between accounts of different currencies.
    #[schema(example = "13.97")]
    to_amount: Option<Amount>,
    /// The description, at most 500 characters; default: none.
    #[schema(max_length = 500, example = "Lunch")]
    description: Option<String>,
    /// The reference number, at most 100 characters; default: none.
    #[schema(max_length = 100)]
    reference_number: Option<String>,
    /// The notes, at most 4,000 characters; default: none.
    #[schema(max_length = 4000)]
    notes: Option<String>,
    /// At most 20 tags of at most 50 characters each; default: none.
    #[schema(example = json!(["work"]))]
    tags: Option<Vec<String>>,
    /// The day, or an RFC 3339 time of which only the date is used.
    /// Default: today in the household's time zone.
    #[schema(example = "2026-03-31")]
    transaction_date: Option<String>,
    /// At most 50 splits, instead of a category; their amounts sum to `amount`.
    #[schema(value_type = Option<Vec<SplitRequest>>)]
    splits: Option<Splits>,
    /// The schedule by which the transaction recurs; default: none.
    /// The other occurrences are posted on their days.
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

/// Create a transaction
///
/// Records income, an expense or a transfer, and posts it immediately as two or more postings that
/// sum to zero. A transfer between accounts of different currencies requires `to_amount`, the
/// amount that arrives.
#[utoipa::path(post, path = "/transactions", tag = "transactions", security(("access_token" = ["transactions:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    request_body = CreateTransactionRequest,
    responses((status = 201, description = "The transaction", body = TransactionResponse,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "`true` if this is the stored response of the first request with the same key; otherwise absent"))), WriteProblems))]
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
