use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::ledger::v1 as pb;

use crate::extract::{IfMatch, NoParams, Once, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete an account
///
/// Its history stays and its name is free; it can be restored.
#[utoipa::path(delete, path = "/accounts/{id}", tag = "accounts", security(("access_token" = ["accounts:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub async fn delete_account(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::AccountsWrite>,
    Path(account_id): Path<String>,
    IfMatch(if_version): IfMatch,
    once: Once,
) -> Result<StatusCode, Problem> {
    let request = pb::DeleteAccountRequest { account_id, if_version };
    state.accounts().delete_account(once.request(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
