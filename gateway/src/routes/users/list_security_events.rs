use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;

use super::security_event_view::SecurityEventView;
use crate::extract::{PageLink, PageParams, Params, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::List;
use crate::state::AppState;

/// List your security events
///
/// Failed logins, new devices, changed passwords and the like.
#[utoipa::path(get, path = "/users/me/security-events", operation_id = "list_my_security_events", tag = "users", security(("access_token" = ["profile:read"])),
    params(PageParams),
    responses((status = 200, description = "A page, newest first", body = List<SecurityEventView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_security_events(
    State(state): State<AppState>,
    _user: Permitted<permission::ProfileRead>,
    link: PageLink,
    Params(query): Params<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListMySecurityEventsRequest { page_size: query.size(), page_token: query.token() };
    let page = state.security().list_my_security_events(request).await?.into_inner();
    let list = List::<SecurityEventView>::new(page.events, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
