use axum::Json as JsonResponse;
use axum::extract::{Path, State};
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::ledger::v1::{SetExchangeRateRequest, SetExchangeRateResponse};
use fintrac_proto::notify::v1::{AuditLogEntry, ListAuditLogRequest};
use kit_core::error::{FieldCode, ProblemCode};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::extract::{
    IdempotentJson, IfMatch, Json, NoQuery, PageLink, RequirePermission, StrictQuery, permission,
};
use crate::openapi::operation::routes;
use crate::problem::Problem;
use crate::response::{Appended, Created, NoContent, PageOf, Versioned};
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_users))
        .routes(routes!(get_user, update_user))
        .routes(routes!(list_roles, create_role))
        .routes(routes!(update_role, delete_role))
        .routes(routes!(list_audit_log))
        .routes(routes!(list_security_events))
        .routes(routes!(list_ip_rules, create_ip_rule))
        .routes(routes!(delete_ip_rule))
        .routes(routes!(set_exchange_rate))
}

/// List users
///
/// Lists users, newest first.
#[utoipa::path(get, path = "/admin/users", tag = "admin")]
async fn list_users(
    State(state): State<AppState>,
    _user: RequirePermission<permission::UsersRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListUsersRequest>,
) -> Result<PageOf<pb::ManagedUser>, Problem> {
    Ok(link.page(state.admin().list_users(request).await?))
}

/// Get a user
///
/// Returns the user's identity, status and roles, but no financial data.
#[utoipa::path(get, path = "/admin/users/{id}", tag = "admin")]
async fn get_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::UsersRead>,
    Path(user_id): Path<String>,
) -> Result<Versioned<pb::ManagedUser>, Problem> {
    Versioned::new(state.admin().get_user(pb::GetUserRequest { user_id }).await?)
}

/// Update a user
///
/// Locks or unlocks a user, sets the roles or ends all sessions. The change takes effect in all
/// services within a second. A user who has permissions that you do not have cannot be changed, and
/// at least one administrator must remain.
#[utoipa::path(patch, path = "/admin/users/{id}", tag = "admin")]
async fn update_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::UsersWrite>,
    Path(user_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<pb::UpdateUserRequest>,
) -> Result<Versioned<pb::ManagedUser>, Problem> {
    let request = pb::UpdateUserRequest { user_id, expected_version, ..body };
    Versioned::new(state.admin().update_user(request).await?)
}

/// List roles
///
/// Returns all roles, and all permissions that a role can have.
#[utoipa::path(get, path = "/admin/roles", tag = "admin")]
async fn list_roles(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::RolesRead>,
) -> Result<JsonResponse<pb::ListRolesResponse>, Problem> {
    Ok(JsonResponse(state.admin().list_roles(pb::ListRolesRequest {}).await?.into_inner()))
}

/// The custom role to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateRoleRequest {
    /// The name: 1 to 32 lowercase letters, digits, dashes or underscores.
    /// It starts with a letter.
    #[schema(required = true, example = "auditor")]
    #[serde(default)]
    name: String,
    /// The permissions, each as `resource:action`; may be empty.
    #[schema(required = true, nullable = false, example = json!(["audit:read", "security:read"]))]
    #[serde(default, deserialize_with = "not_null")]
    permissions: Option<Vec<String>>,
}

/// Create a role
///
/// A role cannot have permissions that you do not have.
#[utoipa::path(post, path = "/admin/roles", tag = "admin")]
async fn create_role(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::RolesWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<CreateRoleRequest>,
) -> Result<Created<pb::Role>, Problem> {
    let request =
        pb::CreateRoleRequest { name: body.name, permissions: require_permissions(body.permissions)? };
    idempotency.created(state.admin().create_role(idempotency.request(request)).await?)
}

/// The new permissions of a role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateRoleRequest {
    /// The complete list of permissions, each as `resource:action`; may be empty.
    #[schema(required = true, nullable = false, example = json!(["audit:read"]))]
    #[serde(default, deserialize_with = "not_null")]
    permissions: Option<Vec<String>>,
}

/// Update a role
///
/// The new permissions take effect within a second, also for access tokens that are already issued.
#[utoipa::path(put, path = "/admin/roles/{name}", tag = "admin")]
async fn update_role(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::RolesWrite>,
    Path(name): Path<String>,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<UpdateRoleRequest>,
) -> Result<Versioned<pb::Role>, Problem> {
    let permissions = require_permissions(body.permissions)?;
    let request = pb::UpdateRoleRequest { name, expected_version, permissions };
    Versioned::new(state.admin().update_role(request).await?)
}

/// Deserializes a field that may be absent but not `null`.
fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Requires the list of permissions, which may be empty but not absent.
fn require_permissions(permissions: Option<Vec<String>>) -> Result<Vec<String>, Problem> {
    permissions.ok_or_else(|| {
        let problem = Problem::from(ProblemCode::ValidationFailed);
        problem.field(
            "permissions",
            FieldCode::Required,
            "A list of permissions is required. Send one; it may be empty.",
        )
    })
}

/// Delete a role
///
/// The request is rejected with 409 `ROLE_IN_USE` if a user has the role.
#[utoipa::path(delete, path = "/admin/roles/{name}", tag = "admin")]
async fn delete_role(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::RolesWrite>,
    Path(name): Path<String>,
    IfMatch(expected_version): IfMatch,
) -> Result<NoContent, Problem> {
    state.admin().delete_role(pb::DeleteRoleRequest { name, expected_version }).await?;
    Ok(NoContent)
}

/// List the audit log
///
/// Lists every change in every service, with its author and origin, newest first.
#[utoipa::path(get, path = "/admin/audit-log", tag = "admin")]
async fn list_audit_log(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AuditRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<ListAuditLogRequest>,
) -> Result<PageOf<AuditLogEntry>, Problem> {
    Ok(link.page(state.audit_log().list_audit_log(request).await?))
}

/// List security events
///
/// Lists failed logins, denied permissions and similar events of all users, newest first.
#[utoipa::path(get, path = "/admin/security-events", tag = "admin")]
async fn list_security_events(
    State(state): State<AppState>,
    _user: RequirePermission<permission::SecurityRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListSecurityEventsRequest>,
) -> Result<PageOf<pb::SecurityEvent>, Problem> {
    Ok(link.page(state.security().list_security_events(request).await?))
}

/// List IP rules
///
/// Lists IP rules, newest first.
#[utoipa::path(get, path = "/admin/ip-rules", tag = "admin")]
async fn list_ip_rules(
    State(state): State<AppState>,
    _user: RequirePermission<permission::IpRulesRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListIpRulesRequest>,
) -> Result<PageOf<pb::IpRule>, Problem> {
    Ok(link.page(state.admin().list_ip_rules(request).await?))
}

/// Create an IP rule
///
/// The rule takes effect within a second. A request must be allowed both by the rules for all users
/// and by the rules for its user. In each set, the narrowest network that contains the IP address
/// decides; an address in no network is allowed. A rule that would lock you out is rejected with
/// 409 `SELF_LOCKOUT`.
#[utoipa::path(post, path = "/admin/ip-rules", tag = "admin")]
async fn create_ip_rule(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::IpRulesWrite>,
    IdempotentJson(idempotency, request): IdempotentJson<pb::CreateIpRuleRequest>,
) -> Result<Appended<pb::IpRule>, Problem> {
    let response = state.admin().create_ip_rule(idempotency.request(request)).await?;
    idempotency.appended(response, |rule| format!("/api/v1/admin/ip-rules/{}", rule.id))
}

/// Delete an IP rule
///
/// The deletion takes effect within a second. It is rejected with 409 `SELF_LOCKOUT` if the
/// remaining rules would lock you out.
#[utoipa::path(delete, path = "/admin/ip-rules/{id}", tag = "admin")]
async fn delete_ip_rule(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::IpRulesWrite>,
    Path(rule_id): Path<String>,
) -> Result<NoContent, Problem> {
    state.admin().delete_ip_rule(pb::DeleteIpRuleRequest { rule_id }).await?;
    Ok(NoContent)
}

/// Set an exchange rate
///
/// Sets the rate between two currencies on a day manually. It takes precedence over all other rates
/// of that day. Amounts that were already converted do not change.
#[utoipa::path(put, path = "/admin/exchange-rates", tag = "admin")]
async fn set_exchange_rate(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ExchangeRatesWrite>,
    IdempotentJson(idempotency, request): IdempotentJson<SetExchangeRateRequest>,
) -> Result<JsonResponse<SetExchangeRateResponse>, Problem> {
    let response = state.currencies().set_exchange_rate(idempotency.request(request)).await?;
    Ok(JsonResponse(response.into_inner()))
}
