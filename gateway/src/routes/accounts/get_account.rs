use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::response::AccountResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Get an account
///
/// A deleted account responds with 404; `GET /accounts?deleted=true` lists it. Send the `ETag` as
/// `If-Match` when you update the account.
#[utoipa::path(get, path = "/accounts/{id}", tag = "accounts", security(("access_token" = ["accounts:read"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The account", body = AccountResponse,
        headers(("ETag" = String, description = "The version of the editable fields, which does not change with the balance"))), ReadProblems))]
pub async fn get_account(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::AccountsRead>,
    Path(account_id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let response = state.accounts().get_account(pb::GetAccountRequest { account_id }).await?.into_inner();
    let account = response.account.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(account.version))], axum::Json(AccountResponse::from(account))))
}
