use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::budget::v1 as pb;

use crate::extract::{Idempotency, IfMatch, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a budget
///
/// A deleted budget is no longer evaluated. Its transactions stay.
#[utoipa::path(delete, path = "/budgets/{id}", tag = "budgets", security(("access_token" = ["budgets:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    responses((status = 204, description = "The budget is deleted"), WriteProblems))]
pub async fn delete_budget(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::BudgetsWrite>,
    Path(budget_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<StatusCode, Problem> {
    let request = pb::DeleteBudgetRequest { budget_id, expected_version };
    state.budgets().delete_budget(idempotency.request(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
