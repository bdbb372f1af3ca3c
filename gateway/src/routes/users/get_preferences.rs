use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;

use super::preferences::PreferencesResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// Get your preferences
///
/// Returns your language, time zone and currency and, for each kind of notification, whether it is
/// sent by email and to the inbox.
#[utoipa::path(get, path = "/users/me/preferences", tag = "users", security(("access_token" = ["profile:read"])),
    responses((status = 200, description = "Your preferences", body = PreferencesResponse, headers(("ETag" = String))), ReadProblems))]
pub async fn get_preferences(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<impl IntoResponse, Problem> {
    let response = state.preferences().get_preferences(pb::GetPreferencesRequest {}).await?.into_inner();
    let preferences = response.preferences.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(preferences.version))], axum::Json(PreferencesResponse::from(preferences))))
}
