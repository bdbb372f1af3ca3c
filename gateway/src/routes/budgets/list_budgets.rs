use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;

use super::view::BudgetView;
use crate::extract::{PageLink, PageParams, Params, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::List;
use crate::state::AppState;

/// List budgets
///
/// In the order in which they were made.
#[utoipa::path(get, path = "/budgets", tag = "budgets", security(("access_token" = ["budgets:read"])), params(PageParams),
    responses((status = 200, description = "A page of budgets", body = List<BudgetView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_budgets(
    State(state): State<AppState>,
    _user: Permitted<permission::BudgetsRead>,
    link: PageLink,
    Params(page): Params<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListBudgetsRequest { page_size: page.size(), page_token: page.token() };
    let page = state.budgets().list_budgets(request).await?.into_inner();
    let list = List::<BudgetView>::new(page.budgets, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
