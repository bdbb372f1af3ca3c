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

/// The recurring transaction to create.
///
/// The schedule is either `frequency` and `interval`, or `rrule`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRecurringRequest {
    /// The account from which, or to which, the money moves.
    #[schema(required = true, format = Uuid)]
    #[serde(default)]
    account_id: String,
    /// The type: `income`, `expense` or `transfer`.
    #[serde(rename = "type", default)]
    #[schema(value_type = enums::NewTransactionType, required = true, example = "expense")]
    kind: String,
    /// The amount of each occurrence, above zero.
    #[schema(required = true, example = "900.00")]
    #[serde(default)]
    amount: Amount,
    /// The currency of `amount`; default: the account's currency.
    /// Another currency is converted at the exchange rate of each day.
    #[schema(example = "EUR")]
    currency_code: Option<String>,
    /// The category; only for income and expenses.
    #[schema(format = Uuid)]
    category_id: Option<String>,
    /// The account that receives the money; only for transfers.
    #[schema(format = Uuid)]
    to_account_id: Option<String>,
    /// The amount that arrives at `to_account_id`, in its currency.
    /// Required for a transfer between accounts of different currencies.
    to_amount: Option<Amount>,
    /// The description, at most 500 characters; default: none.
    #[schema(max_length = 500, example = "Rent")]
    description: Option<String>,
    /// The reference number, at most 100 characters; default: none.
    #[schema(max_length = 100)]
    reference_number: Option<String>,
    /// The notes, at most 4,000 characters; default: none.
    #[schema(max_length = 4000)]
    notes: Option<String>,
    /// At most 20 tags of at most 50 characters each; default: none.
    tags: Option<Vec<String>>,
    /// At most 50 splits, instead of a category; their amounts sum to `amount`.
    #[schema(value_type = Option<Vec<SplitRequest>>)]
    splits: Option<Splits>,
    /// The frequency: `daily`, `weekly`, `monthly` or `yearly`.
    /// If a month is too short, its last day counts: January 31, February 28, March 31.
    #[schema(value_type = Option<enums::RecurringFrequency>, example = "monthly")]
    frequency: Option<String>,
    /// The interval in units of `frequency`, 1 to 1,000; default: 1.
    #[schema(minimum = 1, maximum = 1000)]
    interval: Option<i64>,
    /// An RFC 5545 RRULE with a frequency of days or longer, at most 500 characters.
    /// Send this, or `frequency` and `interval`.
    #[schema(max_length = 500)]
    rrule: Option<String>,
    /// The day of the first occurrence as `YYYY-MM-DD`, at most one year ago.
    /// Default: today in the household's time zone. Past occurrences are posted immediately.
    #[schema(example = "2026-01-31")]
    start_date: Option<String>,
    /// The last day of the schedule; send this or `count`. Default: none.
    #[schema(example = "2026-12-31")]
    end_date: Option<String>,
    /// The total number of occurrences; send this or `end_date`. Default: unlimited.
    #[schema(minimum = 1, maximum = 100_000)]
    count: Option<i64>,
    /// The date of an occurrence on a weekend: `keep` (default), `before` or `after`.
    /// `before` moves it to the Friday before, `after` to the Monday after.
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

/// Create a recurring transaction
///
/// Each occurrence is posted exactly once, when its day begins in the household's time zone. An
/// occurrence that cannot be posted pauses the recurring transaction, and you are notified.
#[utoipa::path(post, path = "/transactions/recurring", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    request_body = CreateRecurringRequest,
    responses((status = 201, description = "The recurring transaction", body = RecurringTransactionResponse,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "`true` if this is the stored response of the first request with the same key; otherwise absent"))), WriteProblems))]
pub async fn create_recurring_transaction(
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
