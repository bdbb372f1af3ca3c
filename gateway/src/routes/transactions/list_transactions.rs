use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::filter::filtered_query;
use super::response::TransactionResponse;
use crate::extract::{PageLink, RequirePermission, StrictQuery, parse_page_size, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

filtered_query!(ListTransactionsQuery {
    /// The account on either side of a transaction.
    #[param(value_type = Option<uuid::Uuid>)]
    account_id,
    /// The maximum number of entries; default: 50. A value above 200 counts as 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size,
    /// The `next_page_token` of the previous page; default: the first page.
    page_token,
});

/// List transactions
///
/// Lists transactions, newest first by default. All filters can be combined. Voided transactions
/// are listed only with `status=voided`.
#[utoipa::path(get, path = "/transactions", tag = "transactions", security(("access_token" = ["transactions:read"])), params(ListTransactionsQuery),
    responses((status = 200, description = "A page of transactions", body = ListResponse<TransactionResponse>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_transactions(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    link: PageLink,
    StrictQuery(mut query): StrictQuery<ListTransactionsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let size = parse_page_size(query.page_size.as_ref());
    let account_id = query.account_id.take().unwrap_or_default();
    let filter = pb::TransactionFilter { account_id, ..query.take_filter()? };
    let page_token = query.page_token.unwrap_or_default();
    let request = pb::ListTransactionsRequest { filter: Some(filter), page_size: size, page_token };
    let page = state.transactions().list_transactions(request).await?.into_inner();
    let list = ListResponse::<TransactionResponse>::new(page.transactions, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
