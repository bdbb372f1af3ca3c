use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{IfMatch, Json, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::to_datetime;
use crate::state::AppState;

/// Your password and second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteCurrentUserRequest {
    #[schema(required = true, example = "correct horse battery")]
    #[serde(default)]
    password: String,
    /// The code of the second factor (six digits) or a recovery code.
    /// Required if a second factor is enabled.
    #[schema(example = "042042")]
    code: Option<String>,
}

/// A scheduled deletion.
#[derive(Serialize, ToSchema)]
#[schema(as = Deletion)]
pub struct DeletionResponse {
    /// The end of the grace period.
    /// Until then a login restores the account; afterwards all data is erased.
    erased_at: Option<DateTime<Utc>>,
}

/// Delete your account
///
/// Ends all of your sessions. A login within 30 days restores the account; afterwards every service
/// erases your data.
#[utoipa::path(delete, path = "/users/me", tag = "users", security(("access_token" = ["profile:write"])),
    params(("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = DeleteCurrentUserRequest,
    responses((status = 202, description = "The deletion is scheduled", body = DeletionResponse), WriteProblems))]
pub async fn delete_current_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<DeleteCurrentUserRequest>,
) -> Result<(StatusCode, axum::Json<DeletionResponse>), Problem> {
    let request = pb::DeleteCurrentUserRequest {
        expected_version,
        password: body.password,
        code: body.code.unwrap_or_default(),
    };
    let erased_at =
        state.users().delete_current_user(request).await?.into_inner().erased_at.and_then(to_datetime);
    Ok((StatusCode::ACCEPTED, axum::Json(DeletionResponse { erased_at })))
}
