use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;

use super::response::GoalResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Get a goal
///
/// Returns the amount set aside, the amount needed per month and whether the goal is on track. Send
/// the `ETag` as `If-Match` when you update the goal.
#[utoipa::path(get, path = "/goals/{id}", tag = "goals", security(("access_token" = ["goals:read"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The goal", body = GoalResponse, headers(("ETag" = String))), ReadProblems))]
pub async fn get_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsRead>,
    Path(goal_id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let response = state.goals().get_goal(pb::GetGoalRequest { goal_id }).await?.into_inner();
    let goal = response.goal.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(goal.version))], axum::Json(GoalResponse::from(goal))))
}
