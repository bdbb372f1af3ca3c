use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;

use super::security_event::SecurityEvent;
use crate::extract::{PageLink, PageParams, RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

/// List your security events
///
/// Lists failed logins, new devices, password changes and similar events of your account, newest
/// first.
#[utoipa::path(get, path = "/users/me/security-events", tag = "users", security(("access_token" = ["profile:read"])),
    params(PageParams),
    responses((status = 200, description = "A page of security events", body = ListResponse<SecurityEvent>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_user_security_events(
    State(state): State<AppState>,
    _user: RequirePermission<permission::ProfileRead>,
    link: PageLink,
    StrictQuery(query): StrictQuery<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListUserSecurityEventsRequest { page_size: query.size(), page_token: query.token() };
    let page = state.security().list_user_security_events(request).await?.into_inner();
    let list = ListResponse::<SecurityEvent>::new(page.events, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
