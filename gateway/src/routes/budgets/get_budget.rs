use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;

use super::response::BudgetResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Get a budget
///
/// Returns the terms of the budget; `GET /budgets/{id}/progress` has the spending. Send the `ETag`
/// as `If-Match` when you update the budget.
#[utoipa::path(get, path = "/budgets/{id}", tag = "budgets", security(("access_token" = ["budgets:read"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The budget", body = BudgetResponse, headers(("ETag" = String))), ReadProblems))]
pub async fn get_budget(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::BudgetsRead>,
    Path(budget_id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let response = state.budgets().get_budget(pb::GetBudgetRequest { budget_id }).await?.into_inner();
    let budget = response.budget.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(budget.version))], axum::Json(BudgetResponse::from(budget))))
}
