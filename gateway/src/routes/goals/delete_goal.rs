use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::budget::v1 as pb;

use crate::extract::{Idempotency, IfMatch, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a goal
///
/// Money that was transferred for the goal stays in its account.
#[utoipa::path(delete, path = "/goals/{id}", tag = "goals", security(("access_token" = ["goals:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    responses((status = 204, description = "The goal is deleted"), WriteProblems))]
pub async fn delete_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsWrite>,
    Path(goal_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<StatusCode, Problem> {
    let request = pb::DeleteGoalRequest { goal_id, expected_version };
    state.goals().delete_goal(idempotency.request(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
