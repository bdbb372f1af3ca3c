use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::response::TransactionResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Get a transaction
///
/// Returns the current revision of the transaction, also if it is voided. Send the `ETag` as
/// `If-Match` when you update the transaction.
#[utoipa::path(get, path = "/transactions/{id}", tag = "transactions", security(("access_token" = ["transactions:read"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The transaction", body = TransactionResponse, headers(("ETag" = String))), ReadProblems))]
pub async fn get_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsRead>,
    Path(transaction_id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::GetTransactionRequest { transaction_id };
    let response = state.transactions().get_transaction(request).await?.into_inner();
    let transaction = response.transaction.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(transaction.version))], axum::Json(TransactionResponse::from(transaction))))
}
