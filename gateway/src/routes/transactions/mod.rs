mod bulk;
mod export;
mod revisions;

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
        .routes(routes!(list_transactions, create_transaction))
        .routes(routes!(get_transaction, update_transaction, delete_transaction))
        .routes(routes!(restore_transaction))
        .routes(routes!(revisions::list_transaction_revisions))
        .routes(routes!(bulk::bulk_write_transactions))
        .routes(routes!(export::export_transactions))
}

/// List transactions
///
/// Lists transactions, newest first by default. All filters can be combined. Voided transactions
/// are listed only with `status=voided`.
#[utoipa::path(get, path = "/transactions", tag = "transactions")]
async fn list_transactions(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListTransactionsRequest>,
) -> Result<PageOf<pb::Transaction>, Problem> {
    Ok(link.page(state.transactions().list_transactions(request).await?))
}

/// Create a transaction
///
/// Records income, an expense or a transfer, and posts it immediately as two or more postings that
/// sum to zero. A transfer between accounts of different currencies requires `to_amount`, the
/// amount that arrives.
#[utoipa::path(post, path = "/transactions", tag = "transactions")]
async fn create_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    IdempotentJson(idempotency, request): IdempotentJson<pb::CreateTransactionRequest>,
) -> Result<Created<pb::Transaction>, Problem> {
    idempotency.created(state.transactions().create_transaction(idempotency.request(request)).await?)
}

/// Get a transaction
///
/// Returns the current revision of the transaction, also if it is voided. Send the `ETag` as
/// `If-Match` when you update the transaction.
#[utoipa::path(get, path = "/transactions/{id}", tag = "transactions")]
async fn get_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsRead>,
    Path(transaction_id): Path<String>,
) -> Result<Versioned<pb::Transaction>, Problem> {
    Versioned::new(state.transactions().get_transaction(pb::GetTransactionRequest { transaction_id }).await?)
}

/// Update a transaction
///
/// PUT and PATCH are equivalent: they change only the fields that are present. Posts the reversal
/// of the current postings and the new postings; the revisions keep both.
#[utoipa::path(method(put, patch), path = "/transactions/{id}", tag = "transactions")]
async fn update_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(transaction_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<pb::UpdateTransactionRequest>,
) -> Result<Versioned<pb::Transaction>, Problem> {
    let request = pb::UpdateTransactionRequest { transaction_id, expected_version, ..body };
    Versioned::new(state.transactions().update_transaction(idempotency.request(request)).await?)
}

/// Void a transaction
///
/// Posts the reversal of the transaction. The transaction stays readable with the status `voided`
/// and can be restored.
#[utoipa::path(delete, path = "/transactions/{id}", tag = "transactions")]
async fn delete_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(transaction_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<NoContent, Problem> {
    let request = pb::VoidTransactionRequest { transaction_id, expected_version };
    state.transactions().void_transaction(idempotency.request(request)).await?;
    Ok(NoContent)
}

/// Restore a voided transaction
///
/// Posts the transaction again at its original exchange rates. If its category was deleted in the
/// meantime, it is restored without one. The request is rejected with 422 `ACCOUNT_CLOSED` if an
/// account is archived or deleted.
#[utoipa::path(post, path = "/transactions/{id}/restore", tag = "transactions")]
async fn restore_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(transaction_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<Versioned<pb::Transaction>, Problem> {
    let request = pb::RestoreTransactionRequest { transaction_id, expected_version };
    idempotency.versioned(state.transactions().restore_transaction(idempotency.request(request)).await?)
}
