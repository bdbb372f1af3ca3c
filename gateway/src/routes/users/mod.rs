mod export;
mod preferences;

use axum::Json as JsonResponse;
use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::notify::v1::{AuditLogEntry, ListUserAuditLogRequest};
use utoipa_axum::router::OpenApiRouter;

use crate::extract::{IfMatch, Json, NoQuery, PageLink, RequirePermission, StrictQuery, permission};
use crate::openapi::operation::routes;
use crate::problem::Problem;
use crate::response::{NoContent, PageOf, Versioned};
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_current_user, update_current_user, delete_current_user))
        .routes(routes!(change_password))
        .routes(routes!(list_user_security_events))
        .routes(routes!(list_user_audit_log))
        .routes(routes!(export::export_user_data))
        .routes(routes!(preferences::get_preferences, preferences::update_preferences))
}

/// Get your profile
///
/// Send the `ETag` as `If-Match` when you update your profile.
#[utoipa::path(get, path = "/users/me", tag = "users")]
async fn get_current_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<Versioned<pb::User>, Problem> {
    Versioned::new(state.users().get_current_user(pb::GetCurrentUserRequest {}).await?)
}

/// Update your profile
///
/// PUT and PATCH are equivalent: they change only the fields that are present. If you send your
/// current email address, a change that is not yet verified is cancelled.
#[utoipa::path(method(put, patch), path = "/users/me", tag = "users")]
async fn update_current_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<pb::UpdateCurrentUserRequest>,
) -> Result<Versioned<pb::User>, Problem> {
    let request = pb::UpdateCurrentUserRequest { expected_version, ..body };
    Versioned::new(state.users().update_current_user(request).await?)
}

/// Delete your account
///
/// Ends all of your sessions. A login within 30 days restores the account; afterwards every service
/// erases your data.
#[utoipa::path(delete, path = "/users/me", tag = "users",
    responses((status = 202, description = "The deletion is scheduled", body = pb::DeleteCurrentUserResponse)))]
async fn delete_current_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<pb::DeleteCurrentUserRequest>,
) -> Result<(StatusCode, JsonResponse<pb::DeleteCurrentUserResponse>), Problem> {
    let request = pb::DeleteCurrentUserRequest { expected_version, ..body };
    let response = state.users().delete_current_user(request).await?.into_inner();
    Ok((StatusCode::ACCEPTED, JsonResponse(response)))
}

/// Change your password
///
/// Ends all of your other sessions.
#[utoipa::path(post, path = "/users/me/change-password", tag = "users")]
async fn change_password(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Json(request): Json<pb::ChangePasswordRequest>,
) -> Result<NoContent, Problem> {
    state.users().change_password(request).await?;
    Ok(NoContent)
}

/// List your security events
///
/// Lists failed logins, new devices, password changes and similar events of your account, newest
/// first.
#[utoipa::path(get, path = "/users/me/security-events", tag = "users")]
async fn list_user_security_events(
    State(state): State<AppState>,
    _user: RequirePermission<permission::ProfileRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListUserSecurityEventsRequest>,
) -> Result<PageOf<pb::SecurityEvent>, Problem> {
    Ok(link.page(state.security().list_user_security_events(request).await?))
}

/// List your audit log
///
/// Lists every change of your data in every service, with its author and origin, newest first. An
/// entry appears within two seconds of the change.
#[utoipa::path(get, path = "/users/me/audit-log", tag = "users")]
async fn list_user_audit_log(
    State(state): State<AppState>,
    _user: RequirePermission<permission::ProfileRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<ListUserAuditLogRequest>,
) -> Result<PageOf<AuditLogEntry>, Problem> {
    Ok(link.page(state.audit_log().list_user_audit_log(request).await?))
}
