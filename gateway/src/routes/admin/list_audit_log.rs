use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::notify::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::{PageLink, Params, Permitted, instant_of, page_size, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::users::activity_view::ActivityView;
use crate::routes::wire::List;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListAuditLogQuery {
    /// Whom it concerns.
    #[param(value_type = Option<uuid::Uuid>)]
    user_id: Option<String>,
    /// created, updated, deleted, locked …
    action: Option<String>,
    /// account, transaction, user …
    entity: Option<String>,
    #[param(value_type = Option<uuid::Uuid>)]
    entity_id: Option<String>,
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

/// List what happened
///
/// Every change in every part of the suite: who, what, whence.
#[utoipa::path(get, path = "/admin/audit-log", tag = "admin", security(("access_token" = ["audit:read"])),
    params(ListAuditLogQuery),
    responses((status = 200, description = "A page, newest first", body = List<ActivityView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_audit_log(
    State(state): State<AppState>,
    _user: Permitted<permission::AuditRead>,
    link: PageLink,
    Params(query): Params<ListAuditLogQuery>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListActivityRequest {
        user_id: query.user_id.unwrap_or_default(),
        action: query.action.unwrap_or_default(),
        entity: query.entity.unwrap_or_default(),
        entity_id: query.entity_id.unwrap_or_default(),
        from: instant_of("from", query.from.as_ref())?,
        to: instant_of("to", query.to.as_ref())?,
        page_size: page_size(query.page_size.as_ref()),
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.activity().list_activity(request).await?.into_inner();
    let list = List::<ActivityView>::new(page.activities, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
