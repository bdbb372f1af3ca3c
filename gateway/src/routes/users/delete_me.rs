use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{IfMatch, Json, NoParams, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::wire::instant;
use crate::state::AppState;

/// The password; with a second factor its code, too.
#[derive(Deserialize, ToSchema)]
#[schema(as = DeleteUserRequest)]
#[serde(deny_unknown_fields)]
pub struct DeleteMeBody {
    #[schema(required = true, example = "correct horse battery")]
    #[serde(default)]
    password: String,
    /// Six digits, or a recovery code.
    #[schema(example = "042042")]
    code: Option<String>,
}

/// When the grace ends.
#[derive(Serialize, ToSchema)]
#[schema(as = Deletion)]
pub struct DeletionView {
    /// Until then a login restores the account; then everything is erased.
    erased_at: Option<DateTime<Utc>>,
}

/// Delete your account
///
/// Ends every session. For 30 days a login brings the account back; then every part of the suite
/// erases what it has of you.
#[utoipa::path(delete, path = "/users/me", tag = "users", security(("access_token" = ["profile:write"])),
    params(("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = DeleteMeBody,
    responses((status = 202, description = "The grace has begun", body = DeletionView), WriteProblems))]
pub async fn delete_me(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::ProfileWrite>,
    IfMatch(if_version): IfMatch,
    Json(body): Json<DeleteMeBody>,
) -> Result<(StatusCode, axum::Json<DeletionView>), Problem> {
    let request =
        pb::DeleteMeRequest { if_version, password: body.password, code: body.code.unwrap_or_default() };
    let erased_at = state.users().delete_me(request).await?.into_inner().erased_at.and_then(instant);
    Ok((StatusCode::ACCEPTED, axum::Json(DeletionView { erased_at })))
}
