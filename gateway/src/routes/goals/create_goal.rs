use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::Response;
use fintrac_proto::budget::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::GoalView;
use crate::extract::{AmountText, NoParams, OnceJson, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// A goal to make.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateGoalRequest)]
#[serde(deny_unknown_fields)]
pub struct CreateGoalBody {
    #[schema(required = true, example = "Boat", max_length = 100)]
    #[serde(default)]
    name: String,
    /// Above zero.
    #[schema(required = true, example = "5000.00")]
    #[serde(default)]
    target_amount: AmountText,
    /// Fixed from then on; default: the account's, else your `default_currency`.
    #[schema(example = "EUR")]
    currency_code: Option<String>,
    #[schema(value_type = Option<NaiveDate>)]
    due_date: Option<String>,
    /// Where the money is to be kept; an account of the same currency.
    #[schema(value_type = Option<uuid::Uuid>)]
    account_id: Option<String>,
}

impl From<CreateGoalBody> for pb::CreateGoalRequest {
    fn from(body: CreateGoalBody) -> Self {
        Self {
            name: body.name,
            target_amount: body.target_amount.0,
            currency_code: body.currency_code,
            due_date: body.due_date,
            account_id: body.account_id,
        }
    }
}

/// Make a goal
///
/// An amount to set aside, by a day if you like. Money comes by contributions.
#[utoipa::path(post, path = "/goals", tag = "goals", security(("access_token" = ["goals:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body again: the first answer again")),
    request_body = CreateGoalBody,
    responses((status = 201, description = "The goal", body = GoalView,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "true on an answer kept from the first request with this key"))), WriteProblems))]
pub async fn create_goal(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::GoalsWrite>,
    OnceJson(once, body): OnceJson<CreateGoalBody>,
) -> Result<Response, Problem> {
    let request = pb::CreateGoalRequest::from(body);
    let answer = state.goals().create_goal(once.request(request)).await?;
    let goal = answer.get_ref().goal.clone().ok_or_else(Problem::internal)?;
    let headers = [(LOCATION, format!("/api/v1/goals/{}", goal.id)), (ETAG, etag(goal.version))];
    Ok(once.mark(&answer, (StatusCode::CREATED, headers, axum::Json(GoalView::from(goal)))))
}
