use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::Response;
use fintrac_proto::budget::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::contribution_view::ContributionView;
use crate::extract::{AmountText, NoParams, OnceJson, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Money to set aside.
#[derive(Deserialize, ToSchema)]
#[schema(as = ContributeRequest)]
#[serde(deny_unknown_fields)]
pub struct ContributeBody {
    /// Above zero, in the goal's currency.
    #[schema(required = true, example = "250.00")]
    #[serde(default)]
    amount: AmountText,
    /// Moves the money from this account to the goal's; absent: it is earmarked where it is.
    #[schema(value_type = Option<uuid::Uuid>)]
    account_id: Option<String>,
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// Set money aside for a goal
///
/// With `account_id` a transfer moves it to the goal's account; from an account in another
/// currency at the day's rate.
#[utoipa::path(post, path = "/goals/{id}/contribute", tag = "goals", security(("access_token" = ["goals:write"])),
    params(("id" = uuid::Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body again: the first answer again")),
    request_body = ContributeBody,
    responses((status = 201, description = "The contribution", body = ContributionView,
        headers(("Location" = String, description = "The goal's contributions"),
            ("Idempotency-Replayed" = Option<String>, description = "true on an answer kept from the first request with this key"))), WriteProblems))]
pub async fn contribute(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::GoalsWrite>,
    Path(goal_id): Path<String>,
    OnceJson(once, body): OnceJson<ContributeBody>,
) -> Result<Response, Problem> {
    let ContributeBody { amount: AmountText(amount), account_id, note } = body;
    let request = pb::ContributeRequest { goal_id, amount, account_id, note };
    let answer = state.goals().contribute(once.request(request)).await?;
    let contribution = answer.get_ref().contribution.clone().ok_or_else(Problem::internal)?;
    let headers = [(LOCATION, format!("/api/v1/goals/{}/contributions", contribution.goal_id))];
    Ok(once.mark(&answer, (StatusCode::CREATED, headers, axum::Json(ContributionView::from(contribution)))))
}
