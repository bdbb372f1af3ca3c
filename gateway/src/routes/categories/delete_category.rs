use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::ledger::v1 as pb;

use crate::extract::{IfMatch, NoParams, Once, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete a category that nothing uses
///
/// 409 when a transaction or another category hangs on it.
#[utoipa::path(delete, path = "/categories/{id}", tag = "categories", security(("access_token" = ["categories:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub async fn delete_category(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::CategoriesWrite>,
    Path(category_id): Path<String>,
    IfMatch(if_version): IfMatch,
    once: Once,
) -> Result<StatusCode, Problem> {
    let request = pb::DeleteCategoryRequest { category_id, if_version };
    once.send(request, async |request| state.categories().delete_category(request).await).await?;
    Ok(StatusCode::NO_CONTENT)
}
