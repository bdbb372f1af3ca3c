use axum::extract::{Path, State};
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{PageLink, Params, Permitted, page_size, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::transactions::view::TransactionView;
use crate::routes::wire::List;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListAccountTransactionsQuery {
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

/// A transaction as one of its accounts sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountTransaction)]
pub struct AccountTransactionView {
    #[serde(flatten)]
    transaction: TransactionView,
    /// What it changed on this account, signed, in the account's currency.
    #[schema(example = "-12.50")]
    change: String,
    /// The balance after it, in the order of date and id.
    #[schema(example = "1237.50")]
    running_balance: String,
}

impl From<pb::AccountTransaction> for AccountTransactionView {
    fn from(row: pb::AccountTransaction) -> Self {
        Self {
            transaction: row.transaction.unwrap_or_default().into(),
            change: row.change,
            running_balance: row.running_balance,
        }
    }
}

/// List an account's transactions with the balance after each
#[utoipa::path(get, path = "/accounts/{id}/transactions", tag = "accounts", security(("access_token" = ["accounts:read"])),
    params(("id" = uuid::Uuid, Path), ListAccountTransactionsQuery),
    responses((status = 200, description = "A page of transactions", body = List<AccountTransactionView>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_account_transactions(
    State(state): State<AppState>,
    _user: Permitted<permission::AccountsRead>,
    Path(account_id): Path<String>,
    link: PageLink,
    Params(query): Params<ListAccountTransactionsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let size = page_size(query.page_size.as_ref());
    let filter = pb::TransactionFilter {
        account_id: String::new(),
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
    let request = pb::ListAccountTransactionsRequest {
        account_id,
        filter: Some(filter),
        page_size: size,
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.accounts().list_account_transactions(request).await?.into_inner();
    let list = List::<AccountTransactionView>::new(page.transactions, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
