use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::view::TransactionView;
use crate::extract::{IfMatch, NoParams, Once, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// Restore a voided transaction
///
/// Posts it again, at the rates that it had. If its category was deleted meanwhile, it comes back
/// without one; 422 when an account is archived or deleted.
#[utoipa::path(post, path = "/transactions/{id}/restore", tag = "transactions", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again: the first answer again")),
    responses((status = 200, description = "The transaction", body = TransactionView, headers(("ETag" = String))), WriteProblems))]
pub async fn restore_transaction(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::TransactionsWrite>,
    Path(transaction_id): Path<String>,
    IfMatch(if_version): IfMatch,
    once: Once,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::RestoreTransactionRequest { transaction_id, if_version };
    let mut answer = state.transactions().restore_transaction(once.request(request)).await?;
    let transaction = answer.get_mut().transaction.take().ok_or_else(Problem::internal)?;
    let etag = [(ETAG, etag(transaction.version))];
    Ok(once.mark(&answer, (etag, axum::Json(TransactionView::from(transaction)))))
}
