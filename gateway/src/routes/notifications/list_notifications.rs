use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::notify::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;

use super::response::NotificationResponse;
use crate::extract::{PageLink, RequirePermission, StrictQuery, parse_bool, parse_page_size, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListNotificationsQuery {
    /// If true, lists only unread notifications. Default: false.
    #[param(value_type = Option<bool>)]
    unread: Option<String>,
    /// The maximum number of entries; default: 50. A value above 200 counts as 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size: Option<String>,
    /// The `next_page_token` of the previous page; default: the first page.
    page_token: Option<String>,
}

/// List notifications
///
/// Lists the notifications in your inbox, newest first.
#[utoipa::path(get, path = "/notifications", tag = "notifications", security(("access_token" = ["notifications:read"])),
    params(ListNotificationsQuery),
    responses((status = 200, description = "A page of notifications", body = ListResponse<NotificationResponse>,
        headers(("Link" = Option<String>, description = "The URL of the next page with rel=\"next\"; absent on the last page"))), ReadProblems))]
pub async fn list_notifications(
    State(state): State<AppState>,
    _user: RequirePermission<permission::NotificationsRead>,
    link: PageLink,
    StrictQuery(query): StrictQuery<ListNotificationsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::ListNotificationsRequest {
        unread: parse_bool("unread", query.unread.as_ref())?,
        page_size: parse_page_size(query.page_size.as_ref()),
        page_token: query.page_token.unwrap_or_default(),
    };
    let page = state.notifications().list_notifications(request).await?.into_inner();
    let list = ListResponse::<NotificationResponse>::new(page.notifications, page.next_page_token);
    Ok((link.next(list.next_page_token.as_deref()), axum::Json(list)))
}
