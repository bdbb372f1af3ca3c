use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::response::RecurringTransactionResponse;
use crate::extract::{Idempotency, IfMatch, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Skip an occurrence
///
/// Skips the next occurrence of a recurring transaction. A skipped occurrence counts towards
/// `count`.
#[utoipa::path(post, path = "/transactions/recurring/{id}/skip", tag = "recurring", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any."),
        ("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    responses((status = 200, description = "The recurring transaction", body = RecurringTransactionResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn skip_recurring_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(recurring_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<impl IntoResponse, Problem> {
    let request = idempotency.request(pb::SkipRecurringRequest { recurring_id, expected_version });
    let mut response = state.recurring().skip_recurring(request).await?;
    let recurring = response.get_mut().recurring.take().ok_or_else(Problem::internal)?;
    let etag = [(ETAG, etag(recurring.version))];
    Ok(idempotency
        .mark_replayed(&response, (etag, axum::Json(RecurringTransactionResponse::from(recurring)))))
}
