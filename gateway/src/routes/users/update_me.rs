use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::UserView;
use crate::extract::{Change, IfMatch, Json, Mask, NoParams, Permitted, not_null, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// What is to change; absent fields stay, `null` clears username and phone number.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateUserRequest)]
#[serde(deny_unknown_fields)]
pub struct UpdateMeBody {
    /// Takes effect when it is confirmed by the mail that goes there; needs `password`.
    #[schema(nullable = false, example = "ana@example.org")]
    #[serde(default, deserialize_with = "not_null")]
    email: Option<String>,
    /// Public; 3 to 30 letters, digits, dots, dashes, underscores.
    #[schema(value_type = Option<String>, example = "ana.gil")]
    #[serde(default)]
    username: Change<String>,
    #[schema(nullable = false, example = "Ana", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    first_name: Option<String>,
    #[schema(nullable = false, example = "Gil", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    last_name: Option<String>,
    /// International form.
    #[schema(value_type = Option<String>, example = "+34600000000")]
    #[serde(default)]
    phone_number: Change<String>,
    /// Needed for another address.
    #[schema(nullable = false, example = "correct horse battery")]
    #[serde(default, deserialize_with = "not_null")]
    password: Option<String>,
}

/// Change your profile
///
/// PUT and PATCH do the same: only the fields present change. Your own address again calls off a
/// change that was not confirmed.
#[utoipa::path(method(put, patch), path = "/users/me", tag = "users", security(("access_token" = ["profile:write"])),
    params(("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = UpdateMeBody,
    responses((status = 200, description = "The caller's profile", body = UserView, headers(("ETag" = String))), WriteProblems))]
pub async fn update_me(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::ProfileWrite>,
    IfMatch(if_version): IfMatch,
    Json(body): Json<UpdateMeBody>,
) -> Result<impl IntoResponse, Problem> {
    let mut mask = Mask::default();
    let request = pb::UpdateMeRequest {
        if_version,
        email: mask.set("email", body.email),
        username: mask.change("username", body.username),
        first_name: mask.set("first_name", body.first_name),
        last_name: mask.set("last_name", body.last_name),
        phone_number: mask.change("phone_number", body.phone_number),
        password: body.password.unwrap_or_default(),
        update_mask: Some(mask.into_proto()),
    };
    let user = state.users().update_me(request).await?.into_inner().user.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(user.version))], axum::Json(UserView::from(user))))
}
