use axum::extract::{Path, State};
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;

use super::period::BudgetPeriod;
use crate::extract::{PageLink, PageParams, RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

/// List a budget's past periods
///
/// Lists the periods that have ended, newest first, each with the terms that were in force then.
/// Spending is computed for each request, so it includes later changes to old transactions.
#[utoipa::path(get, path = "/budgets/{id}/history", tag = "budgets", security(("access_token" = ["budgets:read"])),
    params(("id" = uuid::Uuid, Path), PageParams),
    responses((status = 200, description = "A page of past periods", body = ListResponse<BudgetPeriod>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_budget_periods(
    State(state): State<AppState>,
    _user: RequirePermission<permission::BudgetsRead>,
    Path(budget_id): Path<String>,
    link: PageLink,
    StrictQuery(page): StrictQuery<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request =
        pb::ListBudgetPeriodsRequest { budget_id, page_size: page.size(), page_token: page.token() };
    let page = state.budgets().list_budget_periods(request).await?.into_inner();
    let list = ListResponse::<BudgetPeriod>::new(page.periods, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
