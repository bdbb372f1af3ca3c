use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::budget::v1 as pb;

use crate::extract::{IfMatch, NoParams, Once, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a budget
///
/// It is never looked at again; no money moves.
#[utoipa::path(delete, path = "/budgets/{id}", tag = "budgets", security(("access_token" = ["budgets:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub async fn delete_budget(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::BudgetsWrite>,
    Path(budget_id): Path<String>,
    IfMatch(if_version): IfMatch,
    once: Once,
) -> Result<StatusCode, Problem> {
    let request = pb::DeleteBudgetRequest { budget_id, if_version };
    state.budgets().delete_budget(once.request(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
