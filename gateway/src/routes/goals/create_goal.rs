use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::Response;
use fintrac_proto::budget::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::GoalResponse;
use crate::extract::{Amount, IdempotentJson, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The goal to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGoalRequest {
    /// The name, at most 100 characters.
    #[schema(required = true, example = "Boat", max_length = 100)]
    #[serde(default)]
    name: String,
    /// The target amount, above zero.
    #[schema(required = true, example = "5000.00")]
    #[serde(default)]
    target_amount: Amount,
    /// The currency (ISO 4217), immutable.
    /// Default: the account's, otherwise your `default_currency`.
    #[schema(example = "EUR")]
    currency_code: Option<String>,
    /// The day by which the target is to be reached; default: none.
    #[schema(value_type = Option<NaiveDate>)]
    due_date: Option<String>,
    /// The account that holds the money, in the same currency; default: none.
    #[schema(value_type = Option<uuid::Uuid>)]
    account_id: Option<String>,
}

impl From<CreateGoalRequest> for pb::CreateGoalRequest {
    fn from(body: CreateGoalRequest) -> Self {
        Self {
            name: body.name,
            target_amount: body.target_amount.0,
            currency_code: body.currency_code,
            due_date: body.due_date,
            account_id: body.account_id,
        }
    }
}

/// Create a goal
///
/// A goal is a target amount to set aside, optionally by a due date. Contributions set the money
/// aside.
#[utoipa::path(post, path = "/goals", tag = "goals", security(("access_token" = ["goals:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    request_body = CreateGoalRequest,
    responses((status = 201, description = "The goal", body = GoalResponse,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "`true` if this is the stored response of the first request with the same key; otherwise absent"))), WriteProblems))]
pub async fn create_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<CreateGoalRequest>,
) -> Result<Response, Problem> {
    let request = pb::CreateGoalRequest::from(body);
    let response = state.goals().create_goal(idempotency.request(request)).await?;
    let goal = response.get_ref().goal.clone().ok_or_else(Problem::internal)?;
    let headers = [(LOCATION, format!("/api/v1/goals/{}", goal.id)), (ETAG, etag(goal.version))];
    Ok(idempotency
        .mark_replayed(&response, (StatusCode::CREATED, headers, axum::Json(GoalResponse::from(goal)))))
}
