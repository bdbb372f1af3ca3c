use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::ledger::v1 as pb;

use crate::extract::{IfMatch, User};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a category that nothing uses
///
/// 409 when a transaction or another category hangs on it.
#[utoipa::path(delete, path = "/categories/{id}", tag = "categories", security(("access_token" = [])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub async fn delete_category(
    State(state): State<AppState>,
    _user: User,
    Path(category_id): Path<String>,
    IfMatch(if_version): IfMatch,
) -> Result<StatusCode, Problem> {
    state.categories().delete_category(pb::DeleteCategoryRequest { category_id, if_version }).await?;
    Ok(StatusCode::NO_CONTENT)
}
