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
    /// On either side.
    #[param(value_type = Option<uuid::Uuid>)]
    account_id,
    /// Default 50, at most 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size,
    page_token,
});

/// List transactions
///
/// The newest first. All filters may be combined; `q` finds words in description, notes and reference, whatever
/// their accents. Voided ones come only with `status=voided`.
#[utoipa::path(get, path = "/transactions", tag = "transactions", security(("access_token" = ["transactions:read"])), params(ListTransactionsQuery),
    responses((status = 200, description = "A page of transactions", body = ListResponse<TransactionResponse>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
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
