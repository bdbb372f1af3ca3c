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
    OpenApiRouter::new().routes(routes!(list_categories, create_category)).routes(routes!(
        get_category,
        update_category,
        delete_category
    ))
}

/// List categories
///
/// Lists categories in the order of their creation. A new household has a default set of categories
/// in its language.
#[utoipa::path(get, path = "/categories", tag = "categories")]
async fn list_categories(
    State(state): State<AppState>,
    _user: RequirePermission<permission::CategoriesRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListCategoriesRequest>,
) -> Result<PageOf<pb::Category>, Problem> {
    Ok(link.page(state.categories().list_categories(request).await?))
}

/// Create a category
///
/// A category is for income or for expenses. It is at the top level or below another category of
/// the same type, at most five levels deep.
#[utoipa::path(post, path = "/categories", tag = "categories")]
async fn create_category(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::CategoriesWrite>,
    IdempotentJson(idempotency, request): IdempotentJson<pb::CreateCategoryRequest>,
) -> Result<Created<pb::Category>, Problem> {
    idempotency.created(state.categories().create_category(idempotency.request(request)).await?)
}

/// Get a category
///
/// Send the `ETag` as `If-Match` when you update the category.
#[utoipa::path(get, path = "/categories/{id}", tag = "categories")]
async fn get_category(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::CategoriesRead>,
    Path(category_id): Path<String>,
) -> Result<Versioned<pb::Category>, Problem> {
    Versioned::new(state.categories().get_category(pb::GetCategoryRequest { category_id }).await?)
}

/// Update a category
///
/// PUT and PATCH are equivalent: they change only the fields that are present.
#[utoipa::path(method(put, patch), path = "/categories/{id}", tag = "categories")]
async fn update_category(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::CategoriesWrite>,
    Path(category_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<pb::UpdateCategoryRequest>,
) -> Result<Versioned<pb::Category>, Problem> {
    let request = pb::UpdateCategoryRequest { category_id, expected_version, ..body };
    Versioned::new(state.categories().update_category(idempotency.request(request)).await?)
}

/// Delete a category
///
/// The request is rejected with 409 `CATEGORY_IN_USE` if a transaction, recurring transaction,
/// budget or other category uses the category, unless `move_to` names a replacement.
#[utoipa::path(delete, path = "/categories/{id}", tag = "categories")]
async fn delete_category(
    State(state): State<AppState>,
    _user: RequirePermission<permission::CategoriesWrite>,
    Path(category_id): Path<String>,
    StrictQuery(query): StrictQuery<pb::DeleteCategoryRequest>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<NoContent, Problem> {
    let request = pb::DeleteCategoryRequest { category_id, expected_version, ..query };
    state.categories().delete_category(idempotency.request(request)).await?;
    Ok(NoContent)
}
