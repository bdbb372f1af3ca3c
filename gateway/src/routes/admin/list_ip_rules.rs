use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;

use super::ip_rule::IpRuleResponse;
use crate::extract::{PageLink, PageParams, RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

/// List IP rules
///
/// Lists IP rules, newest first.
#[utoipa::path(get, path = "/admin/ip-rules", tag = "admin", security(("access_token" = ["ip_rules:read"])),
    params(PageParams),
    responses((status = 200, description = "A page of IP rules", body = ListResponse<IpRuleResponse>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_ip_rules(
    State(state): State<AppState>,
    _user: RequirePermission<permission::IpRulesRead>,
    link: PageLink,
    StrictQuery(query): StrictQuery<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListIpRulesRequest { page_size: query.size(), page_token: query.token() };
    let page = state.admin().list_ip_rules(request).await?.into_inner();
    let list = ListResponse::<IpRuleResponse>::new(page.rules, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
