use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::UserResponse;
use crate::extract::{
    FieldMaskBuilder, IfMatch, Json, NoQuery, Patch, RequirePermission, not_null, permission,
};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The changes to your profile; absent fields stay.
///
/// Null clears `username` and `phone_number`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateCurrentUserRequest {
    /// The new email address; requires `password`.
    /// It takes effect when you verify it with the email that is sent to it.
    #[schema(nullable = false, example = "ana@example.org")]
    #[serde(default, deserialize_with = "not_null")]
    email: Option<String>,
    /// The public username: 3 to 30 letters, digits, dots, dashes or underscores.
    /// It starts with a letter. Null: none.
    #[schema(value_type = Option<String>, example = "ana.gil")]
    #[serde(default)]
    username: Patch<String>,
    #[schema(nullable = false, example = "Ana", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    first_name: Option<String>,
    #[schema(nullable = false, example = "Gil", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    last_name: Option<String>,
    /// The phone number in international format; null: none.
    #[schema(value_type = Option<String>, example = "+34600000000")]
    #[serde(default)]
    phone_number: Patch<String>,
    /// The current password; required to change `email`.
    #[schema(nullable = false, example = "correct horse battery")]
    #[serde(default, deserialize_with = "not_null")]
    password: Option<String>,
}

/// Update your profile
///
/// PUT and PATCH are equivalent: they change only the fields that are present. If you send your
/// current email address, a change that is not yet verified is cancelled.
#[utoipa::path(method(put, patch), path = "/users/me", tag = "users", security(("access_token" = ["profile:write"])),
    params(("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdateCurrentUserRequest,
    responses((status = 200, description = "Your profile", body = UserResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_current_user(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<UpdateCurrentUserRequest>,
) -> Result<impl IntoResponse, Problem> {
    let mut mask = FieldMaskBuilder::default();
    let request = pb::UpdateCurrentUserRequest {
        expected_version,
        email: mask.set("email", body.email),
        username: mask.patch("username", body.username),
        first_name: mask.set("first_name", body.first_name),
        last_name: mask.set("last_name", body.last_name),
        phone_number: mask.patch("phone_number", body.phone_number),
        password: body.password.unwrap_or_default(),
        update_mask: Some(mask.into_proto()),
    };
    let user =
        state.users().update_current_user(request).await?.into_inner().user.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(user.version))], axum::Json(UserResponse::from(user))))
}
