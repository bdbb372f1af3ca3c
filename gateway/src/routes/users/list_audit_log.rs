use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::notify::v1 as pb;

use super::activity_view::ActivityView;
use crate::extract::{PageLink, PageParams, Params, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::List;
use crate::state::AppState;

/// List what happened to your data
///
/// Every change in every part of the suite: who, what, whence. It follows the change within a second or two.
#[utoipa::path(get, path = "/users/me/audit-log", operation_id = "list_my_audit_log", tag = "users", security(("access_token" = ["profile:read"])),
    params(PageParams),
    responses((status = 200, description = "A page, newest first", body = List<ActivityView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_audit_log(
    State(state): State<AppState>,
    _user: Permitted<permission::ProfileRead>,
    link: PageLink,
    Params(query): Params<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListMyActivityRequest { page_size: query.size(), page_token: query.token() };
    let page = state.activity().list_my_activity(request).await?.into_inner();
    let list = List::<ActivityView>::new(page.activities, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
