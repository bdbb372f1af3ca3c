use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::ledger::v1 as pb;

use crate::extract::{Idempotency, IfMatch, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a recurring transaction
///
/// Transactions that are already posted stay.
#[utoipa::path(delete, path = "/transactions/recurring/{id}", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    responses((status = 204, description = "The recurring transaction is deleted"), WriteProblems))]
pub async fn delete_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<StatusCode, Problem> {
    let request = pb::DeleteRecurringRequest { recurring_id, expected_version };
    state.recurring().delete_recurring(idempotency.request(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
