use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;

use super::response::BudgetResponse;
use crate::extract::{PageLink, PageParams, RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

/// List budgets
///
/// Lists budgets in the order of their creation.
#[utoipa::path(get, path = "/budgets", tag = "budgets", security(("access_token" = ["budgets:read"])), params(PageParams),
    responses((status = 200, description = "A page of budgets", body = ListResponse<BudgetResponse>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_budgets(
    State(state): State<AppState>,
    _user: RequirePermission<permission::BudgetsRead>,
    link: PageLink,
    StrictQuery(page): StrictQuery<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListBudgetsRequest { page_size: page.size(), page_token: page.token() };
    let page = state.budgets().list_budgets(request).await?.into_inner();
    let list = ListResponse::<BudgetResponse>::new(page.budgets, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
