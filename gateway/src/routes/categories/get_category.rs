use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;

use super::view::CategoryView;
use crate::extract::{NoParams, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// Read a category
///
/// The ETag is for `If-Match` when you change it.
#[utoipa::path(get, path = "/categories/{id}", tag = "categories", security(("access_token" = ["categories:read"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The category", body = CategoryView, headers(("ETag" = String))), ReadProblems))]
pub async fn get_category(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::CategoriesRead>,
    Path(category_id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let answer = state.categories().get_category(pb::GetCategoryRequest { category_id }).await?.into_inner();
    let category = answer.category.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(category.version))], axum::Json(CategoryView::from(category))))
}
