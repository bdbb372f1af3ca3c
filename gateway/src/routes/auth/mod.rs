mod email_proof;
mod login;

use axum::Json as JsonResponse;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use utoipa_axum::router::OpenApiRouter;

use crate::extract::{IfMatch, Json, NoQuery, RequirePermission, User, permission};
use crate::openapi::operation::routes;
use crate::problem::Problem;
use crate::response::{ListResponse, NoContent, Versioned};
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register_user))
        .routes(routes!(verify_email))
        .routes(routes!(resend_verification))
        .routes(routes!(login::log_in_user))
        .routes(routes!(login::refresh_tokens))
        .routes(routes!(log_out_user))
        .routes(routes!(log_out_all_sessions))
        .routes(routes!(request_password_reset))
        .routes(routes!(reset_password))
        .routes(routes!(enroll_totp, remove_totp))
        .routes(routes!(confirm_totp))
        .routes(routes!(reauthenticate_user))
        .routes(routes!(list_sessions))
        .routes(routes!(revoke_session))
        .routes(routes!(list_devices))
        .routes(routes!(update_device, delete_device))
}

/// Register a user
///
/// The response is the same whether the email address is known or not; the result is reported by
/// email. An address that was never verified can be registered again.
#[utoipa::path(post, path = "/auth/register", tag = "auth",
    responses((status = 202, description = "An email is sent")))]
async fn register_user(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(request): Json<pb::RegisterRequest>,
) -> Result<StatusCode, Problem> {
    state.identity().register(request).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Verify an email address
///
/// Verifies the address of a new user and creates the household, or confirms the new address of an
/// existing user.
#[utoipa::path(post, path = "/auth/verify-email", tag = "auth")]
async fn verify_email(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(request): Json<pb::VerifyEmailRequest>,
) -> Result<NoContent, Problem> {
    email_proof::validate(&request.token, &request.email, &request.code)?;
    state.identity().verify_email(request).await?;
    Ok(NoContent)
}

/// Resend the verification email
///
/// The response is the same whether the email address is known or not.
#[utoipa::path(post, path = "/auth/resend-verification", tag = "auth",
    responses((status = 202, description = "An email is sent if the address is waiting for verification")))]
async fn resend_verification(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(request): Json<pb::ResendVerificationRequest>,
) -> Result<StatusCode, Problem> {
    state.identity().resend_verification(request).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Log out
///
/// Ends the session of the access token, or of `refresh_token`. Its access tokens are rejected
/// within a second.
#[utoipa::path(post, path = "/auth/logout", tag = "auth")]
async fn log_out_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: User,
    body: Option<Json<pb::LogoutRequest>>,
) -> Result<NoContent, Problem> {
    let request = body.map(|Json(body)| body).unwrap_or_default();
    state.identity().logout(request).await?;
    Ok(NoContent)
}

/// Log out everywhere
///
/// Ends all of your sessions, including the current one.
#[utoipa::path(post, path = "/auth/logout-all", tag = "auth")]
async fn log_out_all_sessions(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: User,
) -> Result<NoContent, Problem> {
    state.identity().logout_all(pb::LogoutAllRequest {}).await?;
    Ok(NoContent)
}

/// Request a password reset
///
/// The response is the same whether the email address is known or not. If it is known, an email
/// with a link (valid for 60 minutes) and a code (valid for 10 minutes and five attempts) is sent.
#[utoipa::path(post, path = "/auth/forgot-password", tag = "auth",
    responses((status = 202, description = "An email is sent if the address is known")))]
async fn request_password_reset(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(request): Json<pb::ForgotPasswordRequest>,
) -> Result<StatusCode, Problem> {
    state.identity().forgot_password(request).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Reset the password
///
/// Ends all sessions of the user. A second factor remains enabled. The token or code stays valid if
/// the new password is rejected.
#[utoipa::path(post, path = "/auth/reset-password", tag = "auth")]
async fn reset_password(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(request): Json<pb::ResetPasswordRequest>,
) -> Result<NoContent, Problem> {
    email_proof::validate(&request.token, &request.email, &request.code)?;
    state.identity().reset_password(request).await?;
    Ok(NoContent)
}

/// Enroll a second factor
///
/// The second factor takes effect when you confirm it with its first code. A second request
/// replaces an enrollment that is not confirmed.
#[utoipa::path(post, path = "/auth/mfa/totp", tag = "auth")]
async fn enroll_totp(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
) -> Result<JsonResponse<pb::EnrollTotpResponse>, Problem> {
    Ok(JsonResponse(state.mfa().enroll_totp(pb::EnrollTotpRequest {}).await?.into_inner()))
}

/// Confirm the second factor
///
/// Confirms the enrollment with the first code and enables the second factor: from then on, a login
/// requires a code. Returns the recovery codes, which are not shown again.
#[utoipa::path(post, path = "/auth/mfa/totp/confirm", tag = "auth")]
async fn confirm_totp(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Json(request): Json<pb::ConfirmTotpRequest>,
) -> Result<JsonResponse<pb::ConfirmTotpResponse>, Problem> {
    Ok(JsonResponse(state.mfa().confirm_totp(request).await?.into_inner()))
}

/// Remove the second factor
///
/// Requires the password and a code of the authenticator app or a recovery code. You are notified
/// of the change by email.
#[utoipa::path(delete, path = "/auth/mfa/totp", tag = "auth")]
async fn remove_totp(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Json(request): Json<pb::RemoveTotpRequest>,
) -> Result<NoContent, Problem> {
    state.mfa().remove_totp(request).await?;
    Ok(NoContent)
}

/// Reauthenticate
///
/// A reauthentication is valid for five minutes in this session; a login counts as one. Operations
/// that change how you log in require it and otherwise respond with 403
/// `REAUTHENTICATION_REQUIRED`: enrolling a second factor, changing username, phone number or
/// devices, and ending other sessions. If a second factor is enabled, changing the password or
/// email address requires it as well.
#[utoipa::path(post, path = "/auth/reauthenticate", tag = "auth")]
async fn reauthenticate_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Json(request): Json<pb::ReauthenticateRequest>,
) -> Result<NoContent, Problem> {
    state.sessions().reauthenticate(request).await?;
    Ok(NoContent)
}

/// List sessions
///
/// Lists all of your sessions that have not ended on one page, most recently used first.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth",
    responses((status = 200, description = "All sessions", body = ListResponse<pb::Session>)))]
async fn list_sessions(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<JsonResponse<ListResponse<pb::Session>>, Problem> {
    let response = state.sessions().list_sessions(pb::ListSessionsRequest {}).await?.into_inner();
    Ok(JsonResponse(ListResponse::new(response.sessions, String::new())))
}

/// Revoke a session
///
/// Ends one of your sessions. Its access tokens are rejected within a second.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "auth")]
async fn revoke_session(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Path(session_id): Path<String>,
) -> Result<NoContent, Problem> {
    state.sessions().revoke_session(pb::RevokeSessionRequest { session_id }).await?;
    Ok(NoContent)
}

/// List devices
///
/// Lists all devices that you have logged in with on one page, most recently used first.
#[utoipa::path(get, path = "/auth/devices", tag = "auth",
    responses((status = 200, description = "All devices", body = ListResponse<pb::KnownDevice>)))]
async fn list_devices(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<JsonResponse<ListResponse<pb::KnownDevice>>, Problem> {
    let response = state.sessions().list_devices(pb::ListDevicesRequest {}).await?.into_inner();
    Ok(JsonResponse(ListResponse::new(response.devices, String::new())))
}

/// Update a device
///
/// Marks a device as trusted or untrusted. The mark is for your information only: it does not
/// change what a login from the device requires.
#[utoipa::path(patch, path = "/auth/devices/{id}", tag = "auth")]
async fn update_device(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Path(device_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<pb::UpdateDeviceRequest>,
) -> Result<Versioned<pb::KnownDevice>, Problem> {
    let request = pb::UpdateDeviceRequest { device_id, expected_version, ..body };
    Versioned::new(state.sessions().update_device(request).await?)
}

/// Delete a device
///
/// Revokes the sessions of one of your devices. The next login with it counts as a login from a new
/// device.
#[utoipa::path(delete, path = "/auth/devices/{id}", tag = "auth")]
async fn delete_device(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    Path(device_id): Path<String>,
    IfMatch(expected_version): IfMatch,
) -> Result<NoContent, Problem> {
    state.sessions().delete_device(pb::DeleteDeviceRequest { device_id, expected_version }).await?;
    Ok(NoContent)
}
