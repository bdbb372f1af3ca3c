use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::view::AccountView;
use crate::extract::{NoParams, Once, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// Restore a deleted account
///
/// 409 when another account has its name by now.
#[utoipa::path(post, path = "/accounts/{id}/restore", tag = "accounts", security(("access_token" = ["accounts:write"])),
    params(("id" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same key again: the first answer again")),
    responses((status = 200, description = "The account", body = AccountView, headers(("ETag" = String))), WriteProblems))]
pub async fn restore_account(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::AccountsWrite>,
    Path(account_id): Path<String>,
    once: Once,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::RestoreAccountRequest { account_id };
    let mut answer = state.accounts().restore_account(once.request(request)).await?;
    let account = answer.get_mut().account.take().ok_or_else(Problem::internal)?;
    let etag = [(ETAG, etag(account.version))];
    Ok(once.mark(&answer, (etag, axum::Json(AccountView::from(account)))))
}
