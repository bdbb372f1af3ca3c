use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use super::response::CategoryResponse;
use crate::extract::{PageLink, RequirePermission, StrictQuery, parse_page_size, permission};
use crate::openapi::{ReadProblems, enums};
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListCategoriesQuery {
    /// The type: `income` or `expense`; default: both.
    #[serde(rename = "type")]
    #[param(value_type = Option<enums::CategoryType>, inline)]
    kind: Option<String>,
    /// The maximum number of entries; default: 50. A value above 200 counts as 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size: Option<String>,
    /// The `next_page_token` of the previous page; default: the first page.
    page_token: Option<String>,
}

/// List categories
///
/// Lists categories in the order of their creation. A new household has a default set of categories
/// in its language.
#[utoipa::path(get, path = "/categories", tag = "categories", security(("access_token" = ["categories:read"])), params(ListCategoriesQuery),
    responses((status = 200, description = "A page of categories", body = ListResponse<CategoryResponse>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_categories(
    State(state): State<AppState>,
    _user: RequirePermission<permission::CategoriesRead>,
    link: PageLink,
    StrictQuery(query): StrictQuery<ListCategoriesQuery>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListCategoriesRequest {
        r#type: query.kind.unwrap_or_default(),
        page_size: parse_page_size(query.page_size.as_ref()),
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.categories().list_categories(request).await?.into_inner();
    let list = ListResponse::<CategoryResponse>::new(page.categories, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
