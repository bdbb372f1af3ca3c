use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::response::RecurringTransactionResponse;
use crate::extract::{PageLink, PageParams, RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

/// List recurring transactions
///
/// Lists recurring transactions in the order of their creation, each with the date of its next
/// occurrence. If an occurrence could not be posted, the recurring transaction is paused and
/// `paused_reason` has the reason.
#[utoipa::path(get, path = "/transactions/recurring", tag = "recurring", security(("access_token" = ["transactions:read"])), params(PageParams),
    responses((status = 200, description = "A page of recurring transactions", body = ListResponse<RecurringTransactionResponse>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_recurring_transactions(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    link: PageLink,
    StrictQuery(query): StrictQuery<PageParams>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListRecurringRequest { page_size: query.size(), page_token: query.token() };
    let page = state.recurring().list_recurring(request).await?.into_inner();
    let list = ListResponse::<RecurringTransactionResponse>::new(page.recurring, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
