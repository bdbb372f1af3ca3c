use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use super::managed_user::ManagedUserResponse;
use crate::extract::{PageLink, RequirePermission, StrictQuery, parse_page_size, permission};
use crate::openapi::{ReadProblems, enums};
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListUsersQuery {
    /// The beginning of an email address or username, or a whole user id.
    q: Option<String>,
    /// The status: `unverified`, `active`, `locked`, `pending_deletion` or `erased`.
    #[param(value_type = Option<enums::UserStatus>, inline)]
    status: Option<String>,
    /// The name of a role that the users have.
    role: Option<String>,
    /// The maximum number of entries; default: 50. A value above 200 counts as 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size: Option<String>,
    /// The `next_page_token` of the previous page; default: the first page.
    page_token: Option<String>,
}

/// List users
///
/// Lists users, newest first.
#[utoipa::path(get, path = "/admin/users", tag = "admin", security(("access_token" = ["users:read"])),
    params(ListUsersQuery),
    responses((status = 200, description = "A page of users", body = ListResponse<ManagedUserResponse>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_users(
    State(state): State<AppState>,
    _user: RequirePermission<permission::UsersRead>,
    link: PageLink,
    StrictQuery(query): StrictQuery<ListUsersQuery>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListUsersRequest {
        query: query.q.unwrap_or_default(),
        status: query.status.unwrap_or_default(),
        role: query.role.unwrap_or_default(),
        page_size: parse_page_size(query.page_size.as_ref()),
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.admin().list_users(request).await?.into_inner();
    let list = ListResponse::<ManagedUserResponse>::new(page.users, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
