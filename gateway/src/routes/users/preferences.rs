use axum::extract::State;
use fintrac_proto::auth::v1 as pb;

use crate::extract::{IdempotentJson, IfMatch, NoQuery, RequirePermission, permission};
use crate::problem::Problem;
use crate::response::Versioned;
use crate::state::AppState;

/// Get your preferences
///
/// Returns your language, time zone and currency and, for each kind of notification, whether it is
/// sent by email and to the inbox.
#[utoipa::path(get, path = "/users/me/preferences", tag = "users",
    responses((status = 200, description = "Your preferences", body = pb::Preferences, headers(("ETag" = String)))))]
pub async fn get_preferences(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<Versioned<pb::Preferences>, Problem> {
    Versioned::new(state.preferences().get_preferences(pb::GetPreferencesRequest {}).await?)
}

/// Update your preferences
///
/// PUT and PATCH are equivalent: they change only the fields that are present.
#[utoipa::path(method(put, patch), path = "/users/me/preferences", tag = "users",
    responses((status = 200, description = "Your preferences", body = pb::Preferences, headers(("ETag" = String)))))]
pub async fn update_preferences(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<pb::UpdatePreferencesRequest>,
) -> Result<Versioned<pb::Preferences>, Problem> {
    let request = pb::UpdatePreferencesRequest { expected_version, ..body };
    Versioned::new(state.preferences().update_preferences(idempotency.request(request)).await?)
}
