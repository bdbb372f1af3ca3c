use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;

use super::view::BudgetView;
use crate::extract::{NoParams, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// Read a budget
///
/// Its terms; what is spent of it is its progress. The ETag is for `If-Match` when you change it.
#[utoipa::path(get, path = "/budgets/{id}", tag = "budgets", security(("access_token" = ["budgets:read"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The budget", body = BudgetView, headers(("ETag" = String))), ReadProblems))]
pub async fn get_budget(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::BudgetsRead>,
    Path(budget_id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let answer = state.budgets().get_budget(pb::GetBudgetRequest { budget_id }).await?.into_inner();
    let budget = answer.budget.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(budget.version))], axum::Json(BudgetView::from(budget))))
}
