use axum::extract::{Path, State};
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;

use super::contribution::ContributionResponse;
use crate::extract::{PageLink, PageParams, RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

/// List a goal's contributions
///
/// Lists the contributions and withdrawals of the goal, newest first.
#[utoipa::path(get, path = "/goals/{id}/contributions", tag = "goals", security(("access_token" = ["goals:read"])),
    params(("id" = uuid::Uuid, Path), PageParams),
    responses((status = 200, description = "A page of contributions", body = ListResponse<ContributionResponse>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_contributions(
    State(state): State<AppState>,
    _user: RequirePermission<permission::GoalsRead>,
    Path(goal_id): Path<String>,
    link: PageLink,
    StrictQuery(page): StrictQuery<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListContributionsRequest { goal_id, page_size: page.size(), page_token: page.token() };
    let page = state.goals().list_contributions(request).await?.into_inner();
    let list = ListResponse::<ContributionResponse>::new(page.contributions, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
