use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::{Idempotency, IfMatch, RequirePermission, StrictQuery, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeleteCategoryQuery {
    /// The category of the same type that replaces the deleted category; default: none.
    /// It takes over the transactions, recurring transactions, budgets and subcategories.
    #[param(value_type = Option<uuid::Uuid>)]
    move_to: Option<String>,
}

/// Delete a category
///
/// The request is rejected with 409 `CATEGORY_IN_USE` if a transaction, recurring transaction,
/// budget or other category uses the category, unless `move_to` names a replacement.
#[utoipa::path(delete, path = "/categories/{id}", tag = "categories", security(("access_token" = ["categories:write"])),
    params(("id" = uuid::Uuid, Path), DeleteCategoryQuery, ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    responses((status = 204, description = "The category is deleted"), WriteProblems))]
pub async fn delete_category(
    State(state): State<AppState>,
    _user: RequirePermission<permission::CategoriesWrite>,
    Path(category_id): Path<String>,
    StrictQuery(query): StrictQuery<DeleteCategoryQuery>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<StatusCode, Problem> {
    let request = pb::DeleteCategoryRequest { category_id, expected_version, move_to: query.move_to };
    state.categories().delete_category(idempotency.request(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
