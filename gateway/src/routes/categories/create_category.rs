use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::CategoryView;
use crate::extract::{NoParams, OnceJson, Permitted, permission};
use crate::openapi::{WriteProblems, words};
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// A category to make.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateCategoryRequest)]
#[serde(deny_unknown_fields)]
pub struct CreateCategoryBody {
    /// Unique among its neighbours.
    #[schema(required = true, example = "Groceries", max_length = 100)]
    #[serde(default)]
    name: String,
    /// income or expense; fixed from then on.
    #[serde(rename = "type", default)]
    #[schema(value_type = words::CategoryType, required = true, example = "expense")]
    kind: String,
    #[schema(example = "shopping-basket", max_length = 50)]
    icon: Option<String>,
    #[schema(example = "#EF6C00")]
    color: Option<String>,
    /// A category of the same type above it.
    #[schema(format = Uuid)]
    parent_id: Option<String>,
}

impl From<CreateCategoryBody> for pb::CreateCategoryRequest {
    fn from(body: CreateCategoryBody) -> Self {
        Self {
            name: body.name,
            r#type: body.kind,
            icon: body.icon,
            color: body.color,
            parent_id: body.parent_id,
        }
    }
}

/// Make a category
///
/// Of income or of expenses, at the top or below another one of the same type.
#[utoipa::path(post, path = "/categories", tag = "categories", security(("access_token" = ["categories:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body again: the first answer again")),
    request_body = CreateCategoryBody,
    responses((status = 201, description = "The category", body = CategoryView,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "true on an answer kept from the first request with this key"))), WriteProblems))]
pub async fn create_category(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::CategoriesWrite>,
    OnceJson(once, body): OnceJson<CreateCategoryBody>,
) -> Result<Response, Problem> {
    let request = pb::CreateCategoryRequest::from(body);
    let answer = state.categories().create_category(once.request(request)).await?;
    let category = answer.get_ref().category.clone().ok_or_else(Problem::internal)?;
    let headers = [(LOCATION, format!("/api/v1/categories/{}", category.id)), (ETAG, etag(category.version))];
    Ok(once.mark(&answer, (StatusCode::CREATED, headers, axum::Json(CategoryView::from(category)))))
}
