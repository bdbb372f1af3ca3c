use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::Response;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::role::{RoleResponse, require_permissions};
use crate::extract::{IdempotentJson, NoQuery, RequirePermission, not_null, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The custom role to create.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRoleRequest {
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
#[utoipa::path(post, path = "/admin/roles", tag = "admin", security(("access_token" = ["roles:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    request_body = CreateRoleRequest,
    responses((status = 201, description = "The role", body = RoleResponse,
        headers(("ETag" = String), ("Location" = String, description = "The URL of the role, for its update or deletion"),
            ("Idempotency-Replayed" = Option<String>, description = "`true` if this is the stored response of the first request with the same key; otherwise absent"))), WriteProblems))]
pub async fn create_role(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::RolesWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<CreateRoleRequest>,
) -> Result<Response, Problem> {
    let request =
        pb::CreateRoleRequest { name: body.name, permissions: require_permissions(body.permissions)? };
    let response = state.admin().create_role(idempotency.request(request)).await?;
    let role = response.get_ref().role.clone().ok_or_else(Problem::internal)?;
    let headers = [(ETAG, etag(role.version)), (LOCATION, format!("/api/v1/admin/roles/{}", role.name))];
    Ok(idempotency
        .mark_replayed(&response, (StatusCode::CREATED, headers, axum::Json(RoleResponse::from(role)))))
}
