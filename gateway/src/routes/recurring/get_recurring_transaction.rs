use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::response::RecurringTransactionResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Get a recurring transaction
///
/// The response has the dates of the next ten occurrences, moved off weekends if requested. Send
/// the `ETag` as `If-Match` when you update the recurring transaction.
#[utoipa::path(get, path = "/transactions/recurring/{id}", tag = "recurring", security(("access_token" = ["transactions:read"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The recurring transaction", body = RecurringTransactionResponse, headers(("ETag" = String))), ReadProblems))]
pub async fn get_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsRead>,
    Path(recurring_id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::GetRecurringRequest { recurring_id };
    let response = state.recurring().get_recurring(request).await?.into_inner();
    let recurring = response.recurring.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(recurring.version))], axum::Json(RecurringTransactionResponse::from(recurring))))
}
