use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::Response;
use fintrac_proto::budget::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::contribution::ContributionResponse;
use crate::extract::{Amount, IdempotentJson, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// A withdrawal from a goal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawRequest {
    /// The amount in the goal's currency, above zero and at most the amount set aside.
    #[schema(required = true, example = "250.00")]
    #[serde(default)]
    amount: Amount,
    /// The account to which the money is transferred from the goal's account.
    /// Default: none; the amount is no longer earmarked.
    #[schema(value_type = Option<uuid::Uuid>)]
    account_id: Option<String>,
    /// A note, at most 500 characters; default: none.
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// Withdraw from a goal
///
/// With `account_id`, a transfer moves the money from the goal's account, converted at the exchange
/// rate of the day if the currencies differ. Without it, no money is transferred; the amount is no
/// longer earmarked.
#[utoipa::path(post, path = "/goals/{id}/withdraw", tag = "goals", security(("access_token" = ["goals:write"])),
    params(("id" = uuid::Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    request_body = WithdrawRequest,
    responses((status = 201, description = "The withdrawal", body = ContributionResponse,
        headers(("Location" = String, description = "The URL of the goal's contributions"),
            ("Idempotency-Replayed" = Option<String>, description = "`true` if this is the stored response of the first request with the same key; otherwise absent"))), WriteProblems))]
pub async fn withdraw_from_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsWrite>,
    Path(goal_id): Path<String>,
    IdempotentJson(idempotency, body): IdempotentJson<WithdrawRequest>,
) -> Result<Response, Problem> {
    let WithdrawRequest { amount: Amount(amount), account_id, note } = body;
    let request = pb::WithdrawRequest { goal_id, amount, account_id, note };
    let response = state.goals().withdraw(idempotency.request(request)).await?;
    let contribution = response.get_ref().contribution.clone().ok_or_else(Problem::internal)?;
    let headers = [(LOCATION, format!("/api/v1/goals/{}/contributions", contribution.goal_id))];
    Ok(idempotency.mark_replayed(
        &response,
        (StatusCode::CREATED, headers, axum::Json(ContributionResponse::from(contribution))),
    ))
}
