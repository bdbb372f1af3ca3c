use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::notify::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::{
    PageLink, RequirePermission, StrictQuery, parse_page_size, parse_timestamp, permission,
};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::routes::users::audit_log_entry::AuditLogEntry;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListAuditLogQuery {
    /// The id of the user whose data was changed.
    #[param(value_type = Option<uuid::Uuid>)]
    user_id: Option<String>,
    /// The action, e.g. `created`, `updated`, `deleted` or `locked`.
    action: Option<String>,
    /// The type of the entity, e.g. `account`, `transaction` or `user`.
    entity: Option<String>,
    /// The id of the entity.
    #[param(value_type = Option<uuid::Uuid>)]
    entity_id: Option<String>,
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

/// List the audit log
///
/// Lists every change in every service, with its author and origin, newest first.
#[utoipa::path(get, path = "/admin/audit-log", tag = "admin", security(("access_token" = ["audit:read"])),
    params(ListAuditLogQuery),
    responses((status = 200, description = "A page of entries", body = ListResponse<AuditLogEntry>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_audit_log(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AuditRead>,
    link: PageLink,
    StrictQuery(query): StrictQuery<ListAuditLogQuery>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListAuditLogRequest {
        user_id: query.user_id.unwrap_or_default(),
        action: query.action.unwrap_or_default(),
        entity: query.entity.unwrap_or_default(),
        entity_id: query.entity_id.unwrap_or_default(),
        from: parse_timestamp("from", query.from.as_ref())?,
        to: parse_timestamp("to", query.to.as_ref())?,
        page_size: parse_page_size(query.page_size.as_ref()),
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.audit_log().list_audit_log(request).await?.into_inner();
    let list = ListResponse::<AuditLogEntry>::new(page.entries, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
