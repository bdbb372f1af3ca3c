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
    /// The maximum number of entries; default: 50. A value above 200 counts as 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size,
    /// The `next_page_token` of the previous page; default: the first page.
    page_token,
});

/// A transaction with its effect on one of its accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountTransaction {
    #[serde(flatten)]
    transaction: TransactionResponse,
    /// The signed change of the balance of this account, in its currency.
    #[schema(example = "-12.50")]
    change: String,
    /// The balance of the account after the transaction, in the order of date and id.
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

/// List an account's transactions
///
/// Accepts the filters of `GET /transactions`. `running_balance` is the balance of the account
/// after the transaction, in the order of date and id; it includes transactions that the filters
/// exclude.
#[utoipa::path(get, path = "/accounts/{id}/transactions", tag = "accounts", security(("access_token" = ["accounts:read"])),
    params(("id" = uuid::Uuid, Path), ListAccountTransactionsQuery),
    responses((status = 200, description = "A page of transactions", body = ListResponse<AccountTransaction>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
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
