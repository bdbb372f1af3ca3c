use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::TransactionView;
use crate::extract::{PageLink, Params, Permitted, page_size, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::List;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListTransactionsQuery {
    /// On either side.
    account_id: Option<String>,
    category_id: Option<String>,
    /// income, expense, transfer, opening or adjustment.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// posted (default) or voided.
    status: Option<String>,
    /// First day.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// Last day.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// Of the household amount; with currency_code, of the amount itself.
    min_amount: Option<String>,
    max_amount: Option<String>,
    currency_code: Option<String>,
    /// -transaction_date (default) or transaction_date.
    sort: Option<String>,
    /// Default 50, at most 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size: Option<String>,
    page_token: Option<String>,
}

/// List transactions
#[utoipa::path(get, path = "/transactions", tag = "transactions", security(("access_token" = ["transactions:read"])), params(ListTransactionsQuery),
    responses((status = 200, description = "A page of transactions", body = List<TransactionView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_transactions(
    State(state): State<AppState>,
    _user: Permitted<permission::TransactionsRead>,
    link: PageLink,
    Params(query): Params<ListTransactionsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let size = page_size(query.page_size.as_ref());
    let filter = pb::TransactionFilter {
        account_id: query.account_id.unwrap_or_default(),
        category_id: query.category_id.unwrap_or_default(),
        r#type: query.kind.unwrap_or_default(),
        status: query.status.unwrap_or_default(),
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        min_amount: query.min_amount.unwrap_or_default(),
        max_amount: query.max_amount.unwrap_or_default(),
        currency_code: query.currency_code.unwrap_or_default(),
        sort: query.sort.unwrap_or_default(),
    };
    let page_token = query.page_token.unwrap_or_default();
    let request = pb::ListTransactionsRequest { filter: Some(filter), page_size: size, page_token };
    let page = state.transactions().list_transactions(request).await?.into_inner();
    let list = List::<TransactionView>::new(page.transactions, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
