use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;

use super::view::GoalView;
use crate::extract::{PageLink, PageParams, Params, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::List;
use crate::state::AppState;

/// List goals
///
/// In the order in which they were made.
#[utoipa::path(get, path = "/goals", tag = "goals", security(("access_token" = ["goals:read"])), params(PageParams),
    responses((status = 200, description = "A page of goals", body = List<GoalView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_goals(
    State(state): State<AppState>,
    _user: Permitted<permission::GoalsRead>,
    link: PageLink,
    Params(page): Params<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListGoalsRequest { page_size: page.size(), page_token: page.token() };
    let page = state.goals().list_goals(request).await?.into_inner();
    let list = List::<GoalView>::new(page.goals, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
