use axum::extract::{Path, State};
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{PageLink, RequirePermission, StrictQuery, parse_page_size, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::routes::transactions::filter::filtered_query;
use crate::routes::transactions::response::TransactionResponse;
use crate::state::AppState;

filtered_query!(ListAccountTransactionsQuery {
    /// Default 50, at most 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size,
    page_token,
});

/// A transaction as one of its accounts sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountTransaction {
    #[serde(flatten)]
    transaction: TransactionResponse,
    /// What it changed on this account, signed, in the account's currency.
    #[schema(example = "-12.50")]
    change: String,
    /// The balance after it, in the order of date and id.
    #[schema(example = "1237.50")]
    running_balance: String,
}

impl From<pb::AccountTransaction> for AccountTransaction {
    fn from(row: pb::AccountTransaction) -> Self {
        Self {
            transaction: row.transaction.unwrap_or_default().into(),
            change: row.change,
            running_balance: row.running_balance,
        }
    }
}

/// List an account's transactions with the balance after each
///
/// Filters as in the list of all transactions. `running_balance` is what the account held after it, in the
/// order of day and id, whatever the filter leaves out.
#[utoipa::path(get, path = "/accounts/{id}/transactions", tag = "accounts", security(("access_token" = ["accounts:read"])),
    params(("id" = uuid::Uuid, Path), ListAccountTransactionsQuery),
    responses((status = 200, description = "A page of transactions", body = ListResponse<AccountTransaction>,
        headers(("Link" = Option<String>, description = "The next page, rel=\"next\""))), ReadProblems))]
pub async fn list_account_transactions(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    Path(account_id): Path<String>,
    link: PageLink,
    StrictQuery(mut query): StrictQuery<ListAccountTransactionsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let size = parse_page_size(query.page_size.as_ref());
    let request = pb::ListAccountTransactionsRequest {
        account_id,
        filter: Some(query.take_filter()?),
        page_size: size,
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.accounts().list_account_transactions(request).await?.into_inner();
    let list = ListResponse::<AccountTransaction>::new(page.transactions, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
