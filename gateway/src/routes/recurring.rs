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
        .routes(routes!(list_recurring_transactions, create_recurring_transaction))
        .routes(routes!(
            get_recurring_transaction,
            update_recurring_transaction,
            delete_recurring_transaction
        ))
        .routes(routes!(pause_recurring_transaction))
        .routes(routes!(resume_recurring_transaction))
        .routes(routes!(skip_recurring_transaction))
}

/// List recurring transactions
///
/// Lists recurring transactions in the order of their creation, each with the date of its next
/// occurrence. If an occurrence could not be posted, the recurring transaction is paused and
/// `paused_reason` has the reason.
#[utoipa::path(get, path = "/transactions/recurring", tag = "recurring")]
async fn list_recurring_transactions(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListRecurringRequest>,
) -> Result<PageOf<pb::Recurring>, Problem> {
    Ok(link.page(state.recurring().list_recurring(request).await?))
}

/// Create a recurring transaction
///
/// Each occurrence is posted exactly once, when its day begins in the household's time zone. An
/// occurrence that cannot be posted pauses the recurring transaction, and you are notified.
#[utoipa::path(post, path = "/transactions/recurring", tag = "recurring")]
async fn create_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    IdempotentJson(idempotency, request): IdempotentJson<pb::CreateRecurringRequest>,
) -> Result<Created<pb::Recurring>, Problem> {
    idempotency.created(state.recurring().create_recurring(idempotency.request(request)).await?)
}

/// Get a recurring transaction
///
/// The response has the dates of the next ten occurrences, moved off weekends if requested. Send
/// the `ETag` as `If-Match` when you update the recurring transaction.
#[utoipa::path(get, path = "/transactions/recurring/{id}", tag = "recurring")]
async fn get_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsRead>,
    Path(recurring_id): Path<String>,
) -> Result<Versioned<pb::Recurring>, Problem> {
    Versioned::new(state.recurring().get_recurring(pb::GetRecurringRequest { recurring_id }).await?)
}

/// Update a recurring transaction
///
/// PUT and PATCH are equivalent: they change only the fields that are present. Transactions that
/// are already posted do not change. A new schedule takes effect after the last occurrence, but not
/// before today.
#[utoipa::path(method(put, patch), path = "/transactions/recurring/{id}", tag = "recurring")]
async fn update_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<pb::UpdateRecurringRequest>,
) -> Result<Versioned<pb::Recurring>, Problem> {
    let request = pb::UpdateRecurringRequest { recurring_id, expected_version, ..body };
    Versioned::new(state.recurring().update_recurring(idempotency.request(request)).await?)
}

/// Delete a recurring transaction
///
/// Transactions that are already posted stay.
#[utoipa::path(delete, path = "/transactions/recurring/{id}", tag = "recurring")]
async fn delete_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<NoContent, Problem> {
    let request = pb::DeleteRecurringRequest { recurring_id, expected_version };
    state.recurring().delete_recurring(idempotency.request(request)).await?;
    Ok(NoContent)
}

/// Pause a recurring transaction
///
/// Occurrences during the pause are not posted.
#[utoipa::path(post, path = "/transactions/recurring/{id}/pause", tag = "recurring")]
async fn pause_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<Versioned<pb::Recurring>, Problem> {
    let request = pb::PauseRecurringRequest { recurring_id, expected_version };
    idempotency.versioned(state.recurring().pause_recurring(idempotency.request(request)).await?)
}

/// Resume a recurring transaction
///
/// After a pause by a user, the next occurrence is today or later. After an occurrence that could
/// not be posted, posting continues with that occurrence.
#[utoipa::path(post, path = "/transactions/recurring/{id}/resume", tag = "recurring")]
async fn resume_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<Versioned<pb::Recurring>, Problem> {
    let request = pb::ResumeRecurringRequest { recurring_id, expected_version };
    idempotency.versioned(state.recurring().resume_recurring(idempotency.request(request)).await?)
}

/// Skip an occurrence
///
/// Skips the next occurrence of a recurring transaction. A skipped occurrence counts towards
/// `count`.
#[utoipa::path(post, path = "/transactions/recurring/{id}/skip", tag = "recurring")]
async fn skip_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<Versioned<pb::Recurring>, Problem> {
    let request = pb::SkipRecurringRequest { recurring_id, expected_version };
    idempotency.versioned(state.recurring().skip_recurring(idempotency.request(request)).await?)
}
