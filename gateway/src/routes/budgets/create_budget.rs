use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::Response;
use fintrac_proto::budget::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::BudgetResponse;
use crate::extract::{Amount, IdempotentJson, NoQuery, RequirePermission, permission};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The budget to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBudgetRequest {
    /// The name, at most 100 characters.
    #[schema(required = true, example = "Food", max_length = 100)]
    #[serde(default)]
    name: String,
    /// The limit of each period, above zero.
    #[schema(required = true, example = "300.00")]
    #[serde(default)]
    amount: Amount,
    /// The currency (ISO 4217), immutable; default: your `default_currency`.
    #[schema(example = "EUR")]
    currency_code: Option<String>,
    /// The expense category, whose subcategories are included.
    /// Send this or `category_ids`.
    #[schema(value_type = Option<uuid::Uuid>)]
    category_id: Option<String>,
    /// At most 50 expense categories, whose subcategories are included.
    /// Send this or `category_id`.
    #[schema(value_type = Option<Vec<uuid::Uuid>>)]
    category_ids: Option<Vec<String>>,
    /// The frequency: `weekly`, `monthly`, `quarterly`, `yearly` or `custom`.
    /// It is immutable. `custom` is a single period from `start_date` to `end_date`.
    #[schema(value_type = enums::BudgetFrequency, required = true, example = "monthly")]
    #[serde(default)]
    frequency: String,
    /// The day from which periods are counted, immutable.
    /// If a month is too short, its last day counts: January 31, February 28, March 31. Default:
    /// the first day of the current calendar period.
    #[schema(value_type = Option<NaiveDate>)]
    start_date: Option<String>,
    /// The last day of the budget; default: none.
    #[schema(value_type = Option<NaiveDate>)]
    end_date: Option<String>,
    /// The rollover: `none` (default), `surplus`, `deficit` or `both`.
    /// `surplus` carries the amount that was not spent into the next period, `deficit` the amount
    /// that was overspent.
    #[schema(value_type = Option<enums::Rollover>, example = "none")]
    rollover: Option<String>,
    /// At most 10 alert thresholds from 1 to 1000, in percent of `budgeted`.
    /// Default: 80 and 100.
    #[schema(example = json!([80, 100]))]
    alert_thresholds: Option<Vec<i32>>,
}

impl From<CreateBudgetRequest> for pb::CreateBudgetRequest {
    fn from(body: CreateBudgetRequest) -> Self {
        Self {
            name: body.name,
            amount: body.amount.0,
            currency_code: body.currency_code,
            category_id: body.category_id,
            category_ids: body.category_ids.unwrap_or_default(),
            frequency: body.frequency,
            start_date: body.start_date,
            end_date: body.end_date,
            rollover: body.rollover,
            alert_thresholds: body.alert_thresholds.map(|percent| pb::Thresholds { percent }),
        }
    }
}

/// Create a budget
///
/// If the spending in the current period has already reached a threshold, the alert is sent shortly
/// afterwards.
#[utoipa::path(post, path = "/budgets", tag = "budgets", security(("access_token" = ["budgets:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    request_body = CreateBudgetRequest,
    responses((status = 201, description = "The budget", body = BudgetResponse,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "`true` if this is the stored response of the first request with the same key; otherwise absent"))), WriteProblems))]
pub async fn create_budget(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::BudgetsWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<CreateBudgetRequest>,
) -> Result<Response, Problem> {
    let request = pb::CreateBudgetRequest::from(body);
    let response = state.budgets().create_budget(idempotency.request(request)).await?;
    let budget = response.get_ref().budget.clone().ok_or_else(Problem::internal)?;
    let headers = [(LOCATION, format!("/api/v1/budgets/{}", budget.id)), (ETAG, etag(budget.version))];
    Ok(idempotency
        .mark_replayed(&response, (StatusCode::CREATED, headers, axum::Json(BudgetResponse::from(budget)))))
}
