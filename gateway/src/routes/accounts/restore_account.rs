use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::response::AccountResponse;
use crate::extract::{Idempotency, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Restore a deleted account
///
/// The request is rejected with 409 `ACCOUNT_NAME_TAKEN` if another account has taken the name in
/// the meantime.
#[utoipa::path(post, path = "/accounts/{id}/restore", tag = "accounts", security(("access_token" = ["accounts:write"])),
    params(("id" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    responses((status = 200, description = "The account", body = AccountResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn restore_account(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::AccountsWrite>,
    Path(account_id): Path<String>,
    idempotency: Idempotency,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::RestoreAccountRequest { account_id };
    let mut response = state.accounts().restore_account(idempotency.request(request)).await?;
    let account = response.get_mut().account.take().ok_or_else(Problem::internal)?;
    let etag = [(ETAG, etag(account.version))];
    Ok(idempotency.mark_replayed(&response, (etag, axum::Json(AccountResponse::from(account)))))
}
