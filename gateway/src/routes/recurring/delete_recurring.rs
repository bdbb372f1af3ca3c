use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::ledger::v1 as pb;

use crate::extract::{IfMatch, NoParams, Once, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a recurring transaction
///
/// What it posted stays.
#[utoipa::path(delete, path = "/transactions/recurring/{id}", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub async fn delete_recurring(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(if_version): IfMatch,
    once: Once,
) -> Result<StatusCode, Problem> {
    let request = pb::DeleteRecurringRequest { recurring_id, if_version };
    state.recurring().delete_recurring(once.request(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
