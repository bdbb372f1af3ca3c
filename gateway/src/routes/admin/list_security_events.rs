use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::{
    PageLink, RequirePermission, StrictQuery, parse_page_size, parse_timestamp, permission,
};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::routes::users::security_event::SecurityEvent;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListSecurityEventsQuery {
    /// The id of the user whom the event concerns.
    #[param(value_type = Option<uuid::Uuid>)]
    user_id: Option<String>,
    /// The kind of event, e.g. `login_failed` or `permission_denied`.
    action: Option<String>,
    /// The earliest time, included (RFC 3339).
    #[param(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    from: Option<String>,
    /// The latest time, excluded (RFC 3339).
    #[param(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    to: Option<String>,
    /// The maximum number of entries; default: 50. A value above 200 counts as 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size: Option<String>,
    /// The `next_page_token` of the previous page; default: the first page.
    page_token: Option<String>,
}

/// List security events
///
/// Lists failed logins, denied permissions and similar events of all users, newest first.
#[utoipa::path(get, path = "/admin/security-events", tag = "admin", security(("access_token" = ["security:read"])),
    params(ListSecurityEventsQuery),
    responses((status = 200, description = "A page of security events", body = ListResponse<SecurityEvent>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_security_events(
    State(state): State<AppState>,
    _user: RequirePermission<permission::SecurityRead>,
    link: PageLink,
    StrictQuery(query): StrictQuery<ListSecurityEventsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListSecurityEventsRequest {
        user_id: query.user_id.unwrap_or_default(),
        kind: query.action.unwrap_or_default(),
        from: parse_timestamp("from", query.from.as_ref())?,
        to: parse_timestamp("to", query.to.as_ref())?,
        page_size: parse_page_size(query.page_size.as_ref()),
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.security().list_security_events(request).await?.into_inner();
    let list = ListResponse::<SecurityEvent>::new(page.events, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
