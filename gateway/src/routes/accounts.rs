use axum::Json;
use axum::extract::{Path, State};
use fintrac_proto::ledger::v1 as pb;
use utoipa_axum::router::OpenApiRouter;

use crate::extract::{
    Idempotency, IdempotentJson, IfMatch, NoQuery, PageLink, RequirePermission, StrictQuery, permission,
};
use crate::openapi::operation::routes;
use crate::problem::Problem;
use crate::response::{Created, NoContent, PageOf, Versioned};
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_accounts, create_account))
        .routes(routes!(get_account, update_account, delete_account))
        .routes(routes!(restore_account))
        .routes(routes!(list_account_transactions))
        .routes(routes!(get_account_balance))
        .routes(routes!(list_account_balance_history))
}

/// List accounts
///
/// Lists accounts in the order of their creation. Deleted accounts are listed only with
/// `deleted=true`.
#[utoipa::path(get, path = "/accounts", tag = "accounts")]
async fn list_accounts(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListAccountsRequest>,
) -> Result<PageOf<pb::Account>, Problem> {
    Ok(link.page(state.accounts().list_accounts(request).await?))
}

/// Create an account
///
/// A `balance` other than zero is posted as a transaction of type `opening`, dated today.
#[utoipa::path(post, path = "/accounts", tag = "accounts")]
async fn create_account(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::AccountsWrite>,
    IdempotentJson(idempotency, request): IdempotentJson<pb::CreateAccountRequest>,
) -> Result<Created<pb::Account>, Problem> {
    idempotency.created(state.accounts().create_account(idempotency.request(request)).await?)
}

/// Get an account
///
/// A deleted account responds with 404; `GET /accounts?deleted=true` lists it. Send the `ETag` as
/// `If-Match` when you update the account; it does not change with the balance.
#[utoipa::path(get, path = "/accounts/{id}", tag = "accounts")]
async fn get_account(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::AccountsRead>,
    Path(account_id): Path<String>,
) -> Result<Versioned<pb::Account>, Problem> {
    Versioned::new(state.accounts().get_account(pb::GetAccountRequest { account_id }).await?)
}

/// Update an account
///
/// PUT and PATCH are equivalent: they change only the fields that are present.
#[utoipa::path(method(put, patch), path = "/accounts/{id}", tag = "accounts")]
async fn update_account(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::AccountsWrite>,
    Path(account_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<pb::UpdateAccountRequest>,
) -> Result<Versioned<pb::Account>, Problem> {
    let request = pb::UpdateAccountRequest { account_id, expected_version, ..body };
    Versioned::new(state.accounts().update_account(idempotency.request(request)).await?)
}

/// Delete an account
///
/// The transactions stay, the name becomes available, and the account can be restored. Recurring
/// transactions on the account are paused. An account whose balance or projected balance is not
/// zero is rejected with 409 `ACCOUNT_HAS_BALANCE` unless `with_balance=true`.
#[utoipa::path(delete, path = "/accounts/{id}", tag = "accounts")]
async fn delete_account(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsWrite>,
    Path(account_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    StrictQuery(query): StrictQuery<pb::DeleteAccountRequest>,
    idempotency: Idempotency,
) -> Result<NoContent, Problem> {
    let request = pb::DeleteAccountRequest { account_id, expected_version, ..query };
    state.accounts().delete_account(idempotency.request(request)).await?;
    Ok(NoContent)
}

/// Restore a deleted account
///
/// The request is rejected with 409 `ACCOUNT_NAME_TAKEN` if another account has taken the name in
/// the meantime.
#[utoipa::path(post, path = "/accounts/{id}/restore", tag = "accounts")]
async fn restore_account(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::AccountsWrite>,
    Path(account_id): Path<String>,
    idempotency: Idempotency,
) -> Result<Versioned<pb::Account>, Problem> {
    let request = pb::RestoreAccountRequest { account_id };
    idempotency.versioned(state.accounts().restore_account(idempotency.request(request)).await?)
}

/// List an account's transactions
///
/// Accepts the filters of `GET /transactions`. `running_balance` is the balance of the account
/// after the transaction, in the order of date and id; it includes transactions that the filters
/// exclude.
#[utoipa::path(get, path = "/accounts/{id}/transactions", tag = "accounts")]
async fn list_account_transactions(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    Path(account_id): Path<String>,
    link: PageLink,
    StrictQuery(query): StrictQuery<pb::ListAccountTransactionsRequest>,
) -> Result<PageOf<pb::AccountTransaction>, Problem> {
    let request = pb::ListAccountTransactionsRequest { account_id, ..query };
    Ok(link.page(state.accounts().list_account_transactions(request).await?))
}

/// Get an account's balance on a day
///
/// The balance includes all transactions whose `transaction_date` is up to that day. It is
/// available for deleted accounts as well.
#[utoipa::path(get, path = "/accounts/{id}/balance", tag = "accounts")]
async fn get_account_balance(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    Path(account_id): Path<String>,
    StrictQuery(query): StrictQuery<pb::GetBalanceRequest>,
) -> Result<Json<pb::GetBalanceResponse>, Problem> {
    let request = pb::GetBalanceRequest { account_id, ..query };
    Ok(Json(state.accounts().get_balance(request).await?.into_inner()))
}

/// List an account's closing balances
///
/// Returns the balance at the end of each day, week (Monday to Sunday) or month of the span, in the
/// currency of the account, oldest first.
#[utoipa::path(get, path = "/accounts/{id}/balance-history", tag = "accounts")]
async fn list_account_balance_history(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    Path(account_id): Path<String>,
    StrictQuery(query): StrictQuery<pb::ListBalanceHistoryRequest>,
) -> Result<Json<pb::ListBalanceHistoryResponse>, Problem> {
    let request = pb::ListBalanceHistoryRequest { account_id, ..query };
    Ok(Json(state.accounts().list_balance_history(request).await?.into_inner()))
}
