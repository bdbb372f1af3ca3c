use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::managed_user::ManagedUserResponse;
use crate::extract::{IfMatch, Json, NoQuery, RequirePermission, not_null, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The changes to a user; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateManagedUserRequest {
    /// Whether the user is locked.
    /// Locking ends all sessions of the user and rejects logins.
    #[schema(nullable = false, example = true)]
    #[serde(default, deserialize_with = "not_null")]
    is_locked: Option<bool>,
    /// The complete list of roles, which requires the permission `roles:write` as well.
    /// A change ends all sessions of the user.
    #[schema(nullable = false, example = json!(["user", "support"]))]
    #[serde(default, deserialize_with = "not_null")]
    roles: Option<Vec<String>>,
    /// If true, ends all sessions of the user.
    #[schema(nullable = false, example = false)]
    #[serde(default, deserialize_with = "not_null")]
    end_sessions: Option<bool>,
}

/// Update a user
///
/// Locks or unlocks a user, sets the roles or ends all sessions. The change takes effect in all
/// services within a second. A user who has permissions that you do not have cannot be changed, and
/// at least one administrator must remain.
#[utoipa::path(patch, path = "/admin/users/{id}", tag = "admin", security(("access_token" = ["users:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdateManagedUserRequest,
    responses((status = 200, description = "The user", body = ManagedUserResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::UsersWrite>,
    Path(user_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<UpdateManagedUserRequest>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::UpdateUserRequest {
        user_id,
        expected_version,
        is_locked: body.is_locked,
        roles: body.roles.map(|names| pb::RoleNames { names }),
        end_sessions: body.end_sessions.unwrap_or_default(),
    };
    let user = state.admin().update_user(request).await?.into_inner().user.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(user.version))], axum::Json(ManagedUserResponse::from(user))))
}
