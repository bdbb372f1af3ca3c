use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::AccountView;
use crate::extract::{PageLink, Params, Permitted, flag, page_size, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::List;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListAccountsQuery {
    /// true: the deleted accounts instead of the live ones.
    #[param(value_type = Option<bool>)]
    deleted: Option<String>,
    /// Default 50, at most 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size: Option<String>,
    page_token: Option<String>,
}

/// List accounts
///
/// In the order in which they were opened.
#[utoipa::path(get, path = "/accounts", tag = "accounts", security(("access_token" = ["accounts:read"])), params(ListAccountsQuery),
    responses((status = 200, description = "A page of accounts", body = List<AccountView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_accounts(
    State(state): State<AppState>,
    _user: Permitted<permission::AccountsRead>,
    link: PageLink,
    Params(query): Params<ListAccountsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListAccountsRequest {
        deleted: flag("deleted", query.deleted.as_ref())?,
        page_size: page_size(query.page_size.as_ref()),
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.accounts().list_accounts(request).await?.into_inner();
    let list = List::<AccountView>::new(page.accounts, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
