use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::ledger::v1 as pb;

use crate::extract::{Idempotency, IfMatch, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a recurring transaction
///
/// Transactions that were posted stay.
#[utoipa::path(delete, path = "/transactions/recurring/{id}", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Rejected with 412 unless this is the current ETag")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
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
