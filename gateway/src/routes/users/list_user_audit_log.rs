use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::notify::v1 as pb;

use super::audit_log_entry::AuditLogEntry;
use crate::extract::{PageLink, PageParams, RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

/// List your audit log
///
/// Lists every change of your data in every service, with its author and origin, newest first. An
/// entry appears within two seconds of the change.
#[utoipa::path(get, path = "/users/me/audit-log", tag = "users", security(("access_token" = ["profile:read"])),
    params(PageParams),
    responses((status = 200, description = "A page of entries", body = ListResponse<AuditLogEntry>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_user_audit_log(
    State(state): State<AppState>,
    _user: RequirePermission<permission::ProfileRead>,
    link: PageLink,
    StrictQuery(query): StrictQuery<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListUserAuditLogRequest { page_size: query.size(), page_token: query.token() };
    let page = state.audit_log().list_user_audit_log(request).await?.into_inner();
    let list = ListResponse::<AuditLogEntry>::new(page.entries, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
