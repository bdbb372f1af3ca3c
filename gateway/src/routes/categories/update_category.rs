use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::CategoryResponse;
use crate::extract::{
    FieldMaskBuilder, IdempotentJson, IfMatch, NoQuery, Patch, RequirePermission, not_null, permission,
};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The changes to a category; absent fields stay.
///
/// Null clears `icon`, `color` or `parent_id`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateCategoryRequest {
    /// The name, unique among the categories of the same type and parent.
    #[schema(nullable = false, example = "Groceries", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    name: Option<String>,
    /// The type, immutable; if present, it must equal the current value.
    #[serde(rename = "type", default, deserialize_with = "not_null")]
    #[schema(value_type = Option<enums::CategoryType>, nullable = false, example = "expense")]
    kind: Option<String>,
    /// The name of an icon, as defined by the client; null: none.
    #[schema(value_type = Option<String>, max_length = 50)]
    #[serde(default)]
    icon: Patch<String>,
    /// The color as `#RRGGBB`; null: none.
    #[schema(value_type = Option<String>, example = "#EF6C00")]
    #[serde(default)]
    color: Patch<String>,
    /// The parent category, of the same type; null: none (top level).
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    parent_id: Patch<String>,
}

fn request(
    category_id: String,
    expected_version: Option<i64>,
    body: UpdateCategoryRequest,
) -> pb::UpdateCategoryRequest {
    let mut mask = FieldMaskBuilder::default();
    pb::UpdateCategoryRequest {
        category_id,
        expected_version,
        name: mask.set("name", body.name),
        r#type: mask.set("type", body.kind),
        icon: mask.patch("icon", body.icon),
        color: mask.patch("color", body.color),
        parent_id: mask.patch("parent_id", body.parent_id),
        update_mask: Some(mask.into_proto()),
    }
}

/// Update a category
///
/// PUT and PATCH are equivalent: they change only the fields that are present.
#[utoipa::path(method(put, patch), path = "/categories/{id}", tag = "categories", security(("access_token" = ["categories:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdateCategoryRequest,
    responses((status = 200, description = "The category", body = CategoryResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_category(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::CategoriesWrite>,
    Path(category_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<UpdateCategoryRequest>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(category_id, expected_version, body);
    let response = state.categories().update_category(idempotency.request(request)).await?.into_inner();
    let category = response.category.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(category.version))], axum::Json(CategoryResponse::from(category))))
}
