use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;

use super::ip_rule_view::IpRuleView;
use crate::extract::{PageLink, PageParams, Params, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::List;
use crate::state::AppState;

/// List rules on addresses
///
/// Newest first.
#[utoipa::path(get, path = "/admin/ip-rules", tag = "admin", security(("access_token" = ["ip_rules:read"])),
    params(PageParams),
    responses((status = 200, description = "A page of rules", body = List<IpRuleView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_ip_rules(
    State(state): State<AppState>,
    _user: Permitted<permission::IpRulesRead>,
    link: PageLink,
    Params(query): Params<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListIpRulesRequest { page_size: query.size(), page_token: query.token() };
    let page = state.admin().list_ip_rules(request).await?.into_inner();
    let list = List::<IpRuleView>::new(page.rules, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
