use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use super::response::AccountResponse;
use crate::extract::{PageLink, RequirePermission, StrictQuery, parse_bool, parse_page_size, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListAccountsQuery {
    /// If true, lists the deleted accounts instead of the others. Default: false.
    #[param(value_type = Option<bool>)]
    deleted: Option<String>,
    /// The maximum number of entries; default: 50. A value above 200 counts as 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size: Option<String>,
    /// The `next_page_token` of the previous page; default: the first page.
    page_token: Option<String>,
}

/// List accounts
///
/// Lists accounts in the order of their creation. Deleted accounts are listed only with
/// `deleted=true`.
#[utoipa::path(get, path = "/accounts", tag = "accounts", security(("access_token" = ["accounts:read"])), params(ListAccountsQuery),
    responses((status = 200, description = "A page of accounts", body = ListResponse<AccountResponse>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_accounts(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    link: PageLink,
    StrictQuery(query): StrictQuery<ListAccountsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListAccountsRequest {
        deleted: parse_bool("deleted", query.deleted.as_ref())?,
        page_size: parse_page_size(query.page_size.as_ref()),
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.accounts().list_accounts(request).await?.into_inner();
    let list = ListResponse::<AccountResponse>::new(page.accounts, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
