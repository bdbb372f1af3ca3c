use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::CategoryView;
use crate::extract::{Change, IfMatch, Mask, NoParams, OnceJson, Permitted, not_null, permission};
use crate::openapi::{WriteProblems, words};
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// What is to change; absent fields stay, `null` clears icon, colour or parent.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateCategoryRequest)]
#[serde(deny_unknown_fields)]
pub struct UpdateCategoryBody {
    #[schema(nullable = false, example = "Groceries", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    name: Option<String>,
    /// Can only be what it is.
    #[serde(rename = "type", default, deserialize_with = "not_null")]
    #[schema(value_type = Option<words::CategoryType>, nullable = false, example = "expense")]
    kind: Option<String>,
    #[schema(value_type = Option<String>, max_length = 50)]
    #[serde(default)]
    icon: Change<String>,
    #[schema(value_type = Option<String>, example = "#EF6C00")]
    #[serde(default)]
    color: Change<String>,
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    parent_id: Change<String>,
}

fn request(
    category_id: String,
    if_version: Option<i64>,
    body: UpdateCategoryBody,
) -> pb::UpdateCategoryRequest {
    let mut mask = Mask::default();
    pb::UpdateCategoryRequest {
        category_id,
        if_version,
        name: mask.set("name", body.name),
        r#type: mask.set("type", body.kind),
        icon: mask.change("icon", body.icon),
        color: mask.change("color", body.color),
        parent_id: mask.change("parent_id", body.parent_id),
        update_mask: Some(mask.into_proto()),
    }
}

/// Change a category
///
/// PUT and PATCH do the same: only the fields present change.
#[utoipa::path(method(put, patch), path = "/categories/{id}", tag = "categories", security(("access_token" = ["categories:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = UpdateCategoryBody,
    responses((status = 200, description = "The category", body = CategoryView, headers(("ETag" = String))), WriteProblems))]
pub async fn update_category(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::CategoriesWrite>,
    Path(category_id): Path<String>,
    IfMatch(if_version): IfMatch,
    OnceJson(once, body): OnceJson<UpdateCategoryBody>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(category_id, if_version, body);
    let answer = state.categories().update_category(once.request(request)).await?.into_inner();
    let category = answer.category.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(category.version))], axum::Json(CategoryView::from(category))))
}
