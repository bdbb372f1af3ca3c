use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::budget::v1 as pb;

use crate::extract::{IfMatch, NoParams, Once, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a goal
///
/// Money that was moved for it stays where it is.
#[utoipa::path(delete, path = "/goals/{id}", tag = "goals", security(("access_token" = ["goals:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub async fn delete_goal(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::GoalsWrite>,
    Path(goal_id): Path<String>,
    IfMatch(if_version): IfMatch,
    once: Once,
) -> Result<StatusCode, Problem> {
    let request = pb::DeleteGoalRequest { goal_id, if_version };
    state.goals().delete_goal(once.request(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
