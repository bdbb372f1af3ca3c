use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::preferences::PreferencesResponse;
use crate::extract::{
    Amount, FieldMaskBuilder, IdempotentJson, IfMatch, NoQuery, Patch, RequirePermission, StrictObject,
    not_null, permission,
};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The changes to your preferences; absent fields stay.
///
/// Null clears `large_transaction_limit`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePreferencesRequest {
    /// The theme: `light`, `dark` or `system`.
    #[schema(value_type = Option<enums::Theme>, nullable = false, example = "dark")]
    #[serde(default, deserialize_with = "not_null")]
    theme: Option<String>,
    /// The language of emails and notifications: `en`, `es`, `fr`, `de` or `pt`.
    #[schema(value_type = Option<enums::Locale>, nullable = false, example = "es")]
    #[serde(default, deserialize_with = "not_null")]
    locale: Option<String>,
    /// The currency of accounts, budgets and goals that you create without one.
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    default_currency: Option<String>,
    /// The household's time zone (IANA name), which determines the current day.
    #[schema(nullable = false, example = "Europe/Madrid")]
    #[serde(default, deserialize_with = "not_null")]
    timezone: Option<String>,
    /// The amount above which a transaction causes a notification; null: none.
    /// It is above zero, in the household's currency.
    #[schema(value_type = Option<Amount>, example = "500.00")]
    #[serde(default)]
    large_transaction_limit: Patch<Amount>,
    /// The channels to change, by kind of notification; absent kinds stay.
    #[schema(nullable = false, value_type = Option<BTreeMap<enums::ConfigurableKind, ChannelsChange>>, example = json!({"goal_milestone": {"mail": false}}))]
    #[serde(default, deserialize_with = "not_null")]
    notifications: Option<BTreeMap<String, StrictObject<ChannelsChange>>>,
}

/// The changes to the channels of a kind of notification; absent channels stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelsChange {
    /// Whether an email is sent.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "not_null")]
    mail: Option<bool>,
    /// Whether the notification is added to the inbox.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "not_null")]
    inbox: Option<bool>,
}

fn request(expected_version: Option<i64>, body: UpdatePreferencesRequest) -> pb::UpdatePreferencesRequest {
    let mut mask = FieldMaskBuilder::default();
    let channels = mask.set("notifications", body.notifications).unwrap_or_default();
    let channels = channels.into_iter().map(|(kind, StrictObject(channels))| pb::ChannelsChange {
        kind,
        email: channels.mail,
        inbox: channels.inbox,
    });
    pb::UpdatePreferencesRequest {
        expected_version,
        theme: mask.set("theme", body.theme),
        locale: mask.set("locale", body.locale),
        default_currency: mask.set("default_currency", body.default_currency),
        timezone: mask.set("timezone", body.timezone),
        large_transaction_limit: mask
            .patch("large_transaction_limit", body.large_transaction_limit)
            .map(|Amount(text)| text),
        notifications: channels.collect(),
        update_mask: Some(mask.into_proto()),
    }
}

/// Update your preferences
///
/// PUT and PATCH are equivalent: they change only the fields that are present.
#[utoipa::path(method(put, patch), path = "/users/me/preferences", tag = "users", security(("access_token" = ["profile:write"])),
    params(("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdatePreferencesRequest,
    responses((status = 200, description = "Your preferences", body = PreferencesResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_preferences(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<UpdatePreferencesRequest>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(expected_version, body);
    let response = state.preferences().update_preferences(idempotency.request(request)).await?;
    let preferences = response.into_inner().preferences.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(preferences.version))], axum::Json(PreferencesResponse::from(preferences))))
}
