use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::CategoryResponse;
use crate::extract::{IdempotentJson, NoQuery, RequirePermission, permission};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The category to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCategoryRequest {
    /// The name, unique among the categories of the same type and parent.
    #[schema(required = true, example = "Groceries", max_length = 100)]
    #[serde(default)]
    name: String,
    /// The type, immutable: `income` or `expense`.
    #[serde(rename = "type", default)]
    #[schema(value_type = enums::CategoryType, required = true, example = "expense")]
    kind: String,
    /// The name of an icon, as defined by the client; default: none.
    #[schema(example = "shopping-basket", max_length = 50)]
    icon: Option<String>,
    /// The color as `#RRGGBB`; default: none.
    #[schema(example = "#EF6C00")]
    color: Option<String>,
    /// The parent category, of the same type; default: none (top level).
    #[schema(format = Uuid)]
    parent_id: Option<String>,
}

impl From<CreateCategoryRequest> for pb::CreateCategoryRequest {
    fn from(body: CreateCategoryRequest) -> Self {
        Self {
            name: body.name,
            r#type: body.kind,
            icon: body.icon,
            color: body.color,
            parent_id: body.parent_id,
        }
    }
}

/// Create a category
///
/// A category is for income or for expenses. It is at the top level or below another category of
/// the same type, at most five levels deep.
#[utoipa::path(post, path = "/categories", tag = "categories", security(("access_token" = ["categories:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    request_body = CreateCategoryRequest,
    responses((status = 201, description = "The category", body = CategoryResponse,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "`true` if this is the stored response of the first request with the same key; otherwise absent"))), WriteProblems))]
pub async fn create_category(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::CategoriesWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<CreateCategoryRequest>,
) -> Result<Response, Problem> {
    let request = pb::CreateCategoryRequest::from(body);
    let response = state.categories().create_category(idempotency.request(request)).await?;
    let category = response.get_ref().category.clone().ok_or_else(Problem::internal)?;
    let headers = [(LOCATION, format!("/api/v1/categories/{}", category.id)), (ETAG, etag(category.version))];
    Ok(idempotency.mark_replayed(
        &response,
        (StatusCode::CREATED, headers, axum::Json(CategoryResponse::from(category))),
    ))
}
