use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::ledger::v1 as pb;

use crate::extract::{Idempotency, IfMatch, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Void a transaction
///
/// Posts the reversal of the transaction. The transaction stays readable with the status `voided`
/// and can be restored.
#[utoipa::path(delete, path = "/transactions/{id}", tag = "transactions", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    responses((status = 204, description = "The transaction is voided"), WriteProblems))]
pub async fn delete_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(transaction_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<StatusCode, Problem> {
    let request = pb::VoidTransactionRequest { transaction_id, expected_version };
    state.transactions().void_transaction(idempotency.request(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
