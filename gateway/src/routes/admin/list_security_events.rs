use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::{PageLink, Params, Permitted, instant_of, page_size, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::users::security_event_view::SecurityEventView;
use crate::routes::wire::List;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListSecurityEventsQuery {
    /// Whom it concerns.
    #[param(value_type = Option<uuid::Uuid>)]
    user_id: Option<String>,
    /// login_failed, permission_refused …
    action: Option<String>,
    /// From this instant on, RFC 3339.
    #[param(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    from: Option<String>,
    /// Before this instant, RFC 3339.
    #[param(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    to: Option<String>,
    /// Default 50, at most 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size: Option<String>,
    page_token: Option<String>,
}

/// List security events
///
/// Failed logins, refused permissions and the like, of everybody.
#[utoipa::path(get, path = "/admin/security-events", tag = "admin", security(("access_token" = ["security:read"])),
    params(ListSecurityEventsQuery),
    responses((status = 200, description = "A page, newest first", body = List<SecurityEventView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_security_events(
    State(state): State<AppState>,
    _user: Permitted<permission::SecurityRead>,
    link: PageLink,
    Params(query): Params<ListSecurityEventsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListSecurityEventsRequest {
        user_id: query.user_id.unwrap_or_default(),
        kind: query.action.unwrap_or_default(),
        from: instant_of("from", query.from.as_ref())?,
        to: instant_of("to", query.to.as_ref())?,
        page_size: page_size(query.page_size.as_ref()),
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.security().list_security_events(request).await?.into_inner();
    let list = List::<SecurityEventView>::new(page.events, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
