use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::RecurringView;
use crate::extract::{AmountText, NoParams, OnceJson, Permitted, permission};
use crate::openapi::{WriteProblems, words};
use crate::problem::Problem;
use crate::routes::transactions::split::{SplitBody, Splits, splits};
use crate::routes::wire::etag;
use crate::state::AppState;

/// A transaction to post again and again: `frequency` and `interval`, or `rrule`.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateRecurringRequest)]
#[serde(deny_unknown_fields)]
pub struct CreateRecurringBody {
    #[schema(required = true, format = Uuid)]
    #[serde(default)]
    account_id: String,
    /// income, expense or transfer.
    #[serde(rename = "type", default)]
    #[schema(value_type = words::NewTransactionType, required = true, example = "expense")]
    kind: String,
    #[schema(required = true, example = "900.00")]
    #[serde(default)]
    amount: AmountText,
    /// Default: the account's. Another one is converted at each day's rate.
    #[schema(example = "EUR")]
    currency_code: Option<String>,
    #[schema(format = Uuid)]
    category_id: Option<String>,
    /// Of transfers.
    #[schema(format = Uuid)]
    to_account_id: Option<String>,
    /// What arrives, where the accounts' currencies differ.
    to_amount: Option<AmountText>,
    #[schema(max_length = 500, example = "Rent")]
    description: Option<String>,
    #[schema(max_length = 100)]
    reference_number: Option<String>,
    #[schema(max_length = 4000)]
    notes: Option<String>,
    tags: Option<Vec<String>>,
    /// Instead of a category.
    #[schema(value_type = Option<Vec<SplitBody>>)]
    splits: Option<Splits>,
    /// daily, weekly, monthly or yearly; month-ends are kept.
    #[schema(value_type = Option<words::Frequency>, example = "monthly")]
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
    #[schema(value_type = Option<words::Weekend>, example = "before")]
    weekend: Option<String>,
}

impl From<CreateRecurringBody> for pb::CreateRecurringRequest {
    fn from(body: CreateRecurringBody) -> Self {
        let transaction = pb::CreateTransactionRequest {
            account_id: body.account_id,
            r#type: body.kind,
            amount: body.amount.0,
            currency_code: body.currency_code,
            category_id: body.category_id,
            to_account_id: body.to_account_id,
            to_amount: body.to_amount.map(|AmountText(text)| text),
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
    request_body = CreateRecurringBody,
    responses((status = 201, description = "The recurring transaction", body = RecurringView,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "true on an answer kept from the first request with this key"))), WriteProblems))]
pub async fn create_recurring(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::TransactionsWrite>,
    OnceJson(once, body): OnceJson<CreateRecurringBody>,
) -> Result<Response, Problem> {
    let request = pb::CreateRecurringRequest::from(body);
    let mut answer = state.recurring().create_recurring(once.request(request)).await?;
    let it = answer.get_mut().recurring.take().ok_or_else(Problem::internal)?;
    let location = format!("/api/v1/transactions/recurring/{}", it.id);
    let headers = [(LOCATION, location), (ETAG, etag(it.version))];
    Ok(once.mark(&answer, (StatusCode::CREATED, headers, axum::Json(RecurringView::from(it)))))
}
