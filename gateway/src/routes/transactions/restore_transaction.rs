use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::response::TransactionResponse;
use crate::extract::{Idempotency, IfMatch, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Restore a voided transaction
///
/// Posts the transaction again at its original exchange rates. If its category was deleted in the
/// meantime, it is restored without one. The request is rejected with 422 `ACCOUNT_CLOSED` if an
/// account is archived or deleted.
#[utoipa::path(post, path = "/transactions/{id}/restore", tag = "transactions", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any."),
        ("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    responses((status = 200, description = "The transaction", body = TransactionResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn restore_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(transaction_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::RestoreTransactionRequest { transaction_id, expected_version };
    let mut response = state.transactions().restore_transaction(idempotency.request(request)).await?;
    let transaction = response.get_mut().transaction.take().ok_or_else(Problem::internal)?;
    let etag = [(ETAG, etag(transaction.version))];
    Ok(idempotency.mark_replayed(&response, (etag, axum::Json(TransactionResponse::from(transaction)))))
}
