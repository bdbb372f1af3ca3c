use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::filter::filtered_query;
use super::view::TransactionView;
use crate::extract::{PageLink, Params, Permitted, page_size, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::List;
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
    responses((status = 200, description = "A page of transactions", body = List<TransactionView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_transactions(
    State(state): State<AppState>,
    _user: Permitted<permission::TransactionsRead>,
    link: PageLink,
    Params(mut query): Params<ListTransactionsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let size = page_size(query.page_size.as_ref());
    let account_id = query.account_id.take().unwrap_or_default();
    let filter = pb::TransactionFilter { account_id, ..query.filter()? };
    let page_token = query.page_token.unwrap_or_default();
    let request = pb::ListTransactionsRequest { filter: Some(filter), page_size: size, page_token };
    let page = state.transactions().list_transactions(request).await?.into_inner();
    let list = List::<TransactionView>::new(page.transactions, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
