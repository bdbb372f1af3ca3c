use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::view::RecurringView;
use crate::extract::{IfMatch, NoParams, Once, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

async fn steer(
    state: &AppState,
    once: &Once,
    recurring_id: String,
    if_version: Option<i64>,
    steering: &str,
) -> Result<impl IntoResponse + use<>, Problem> {
    let request = pb::SteerRecurringRequest { recurring_id, if_version, steering: steering.to_owned() };
    let mut answer = state.recurring().steer_recurring(once.request(request)).await?;
    let it = answer.get_mut().recurring.take().ok_or_else(Problem::internal)?;
    let etag = [(ETAG, etag(it.version))];
    Ok(once.mark(&answer, (etag, axum::Json(RecurringView::from(it)))))
}

/// Pause a recurring transaction
///
/// What falls into the pause is left out.
#[utoipa::path(post, path = "/transactions/recurring/{id}/pause", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again: the first answer again")),
    responses((status = 200, description = "The recurring transaction", body = RecurringView, headers(("ETag" = String))), WriteProblems))]
pub async fn pause(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(if_version): IfMatch,
    once: Once,
) -> Result<impl IntoResponse, Problem> {
    steer(&state, &once, recurring_id, if_version, "pause").await
}

/// Resume a recurring transaction
///
/// Goes on today or later; an occurrence that could not be posted is made up for.
#[utoipa::path(post, path = "/transactions/recurring/{id}/resume", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again: the first answer again")),
    responses((status = 200, description = "The recurring transaction", body = RecurringView, headers(("ETag" = String))), WriteProblems))]
pub async fn resume(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(if_version): IfMatch,
    once: Once,
) -> Result<impl IntoResponse, Problem> {
    steer(&state, &once, recurring_id, if_version, "resume").await
}

/// Leave the next occurrence out
///
/// It still counts as one of `count`.
#[utoipa::path(post, path = "/transactions/recurring/{id}/skip", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again: the first answer again")),
    responses((status = 200, description = "The recurring transaction", body = RecurringView, headers(("ETag" = String))), WriteProblems))]
pub async fn skip(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(if_version): IfMatch,
    once: Once,
) -> Result<impl IntoResponse, Problem> {
    steer(&state, &once, recurring_id, if_version, "skip").await
}
