use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::response::CategoryResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Get a category
///
/// Send the `ETag` as `If-Match` when you update the category.
#[utoipa::path(get, path = "/categories/{id}", tag = "categories", security(("access_token" = ["categories:read"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The category", body = CategoryResponse, headers(("ETag" = String))), ReadProblems))]
pub async fn get_category(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::CategoriesRead>,
    Path(category_id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let response =
        state.categories().get_category(pb::GetCategoryRequest { category_id }).await?.into_inner();
    let category = response.category.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(category.version))], axum::Json(CategoryResponse::from(category))))
}
