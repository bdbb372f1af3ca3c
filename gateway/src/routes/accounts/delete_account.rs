use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::{Idempotency, IfMatch, RequirePermission, StrictQuery, parse_bool, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeleteAccountQuery {
    /// If true, deletes the account even if it has a balance, current or projected.
    /// Default: false.
    #[param(value_type = Option<bool>)]
    with_balance: Option<String>,
}

/// Delete an account
///
/// The transactions stay, the name becomes available, and the account can be restored. Recurring
/// transactions on the account are paused. An account whose balance or projected balance is not
/// zero is rejected with 409 `ACCOUNT_HAS_BALANCE` unless `with_balance=true`.
#[utoipa::path(delete, path = "/accounts/{id}", tag = "accounts", security(("access_token" = ["accounts:write"])),
    params(("id" = uuid::Uuid, Path), DeleteAccountQuery, ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    responses((status = 204, description = "The account is deleted"), WriteProblems))]
pub async fn delete_account(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsWrite>,
    Path(account_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    StrictQuery(query): StrictQuery<DeleteAccountQuery>,
    idempotency: Idempotency,
) -> Result<StatusCode, Problem> {
    let with_balance = parse_bool("with_balance", query.with_balance.as_ref())?;
    let request = pb::DeleteAccountRequest { account_id, expected_version, with_balance };
    state.accounts().delete_account(idempotency.request(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
