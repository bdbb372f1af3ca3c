use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;

use super::response::GoalResponse;
use crate::extract::{PageLink, PageParams, RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

/// List goals
///
/// Lists goals in the order of their creation.
#[utoipa::path(get, path = "/goals", tag = "goals", security(("access_token" = ["goals:read"])), params(PageParams),
    responses((status = 200, description = "A page of goals", body = ListResponse<GoalResponse>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_goals(
    State(state): State<AppState>,
    _user: RequirePermission<permission::GoalsRead>,
    link: PageLink,
    StrictQuery(page): StrictQuery<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListGoalsRequest { page_size: page.size(), page_token: page.token() };
    let page = state.goals().list_goals(request).await?.into_inner();
    let list = ListResponse::<GoalResponse>::new(page.goals, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
