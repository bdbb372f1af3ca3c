use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::{IntoResponse as _, Response};
use fintrac_proto::auth::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{
    Amount, FieldMaskBuilder, IdempotentJson, IfMatch, NoQuery, Patch, RequirePermission, StrictObject,
    not_null, permission,
};
use crate::http::etag;
use crate::openapi::enums;
use crate::problem::Problem;
use crate::state::AppState;

/// Your preferences.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preferences)]
pub struct PreferencesResponse {
    /// The theme: `light`, `dark` or `system`.
    #[schema(example = "system")]
    theme: String,
    /// The language of emails and notifications: `en`, `es`, `fr`, `de` or `pt`.
    #[schema(example = "es")]
    locale: String,
    /// The currency of accounts, budgets and goals that you create without one.
    #[schema(example = "EUR")]
    default_currency: String,
    /// The household's time zone (IANA name), which determines the current day.
    #[schema(example = "Europe/Madrid")]
    timezone: String,
    /// The amount above which a transaction causes a notification; null: none.
    /// It is in the household's currency.
    #[schema(example = "500.00")]
    large_transaction_limit: Option<String>,
    /// The channels by kind of notification, with an entry for each kind that can be changed.
    notifications: BTreeMap<String, Channels>,
}

/// The channels of a kind of notification.
#[derive(Debug, Serialize, ToSchema)]
pub struct Channels {
    /// Whether an email is sent.
    mail: bool,
    /// Whether the notification is added to the inbox.
    inbox: bool,
}

impl From<pb::Preferences> for PreferencesResponse {
    fn from(preferences: pb::Preferences) -> Self {
        let channels = preferences.notifications.into_iter();
        Self {
            theme: preferences.theme,
            locale: preferences.locale,
            default_currency: preferences.default_currency,
            timezone: preferences.timezone,
            large_transaction_limit: preferences.large_transaction_limit,
            notifications: channels
                .map(|channel| (channel.kind, Channels { mail: channel.email, inbox: channel.inbox }))
                .collect(),
        }
    }
}

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

/// Get your preferences
///
/// Returns your language, time zone and currency and, for each kind of notification, whether it is
/// sent by email and to the inbox.
#[utoipa::path(get, path = "/users/me/preferences", tag = "users",
    responses((status = 200, description = "Your preferences", body = PreferencesResponse, headers(("ETag" = String)))))]
pub async fn get_preferences(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<Response, Problem> {
    let response = state.preferences().get_preferences(pb::GetPreferencesRequest {}).await?.into_inner();
    respond(response.preferences)
}

/// Update your preferences
///
/// PUT and PATCH are equivalent: they change only the fields that are present.
#[utoipa::path(method(put, patch), path = "/users/me/preferences", tag = "users",
    responses((status = 200, description = "Your preferences", body = PreferencesResponse, headers(("ETag" = String)))))]
pub async fn update_preferences(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileWrite>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<UpdatePreferencesRequest>,
) -> Result<Response, Problem> {
    let request = request(expected_version, body);
    let response = state.preferences().update_preferences(idempotency.request(request)).await?;
    respond(response.into_inner().preferences)
}

fn respond(preferences: Option<pb::Preferences>) -> Result<Response, Problem> {
    let preferences = preferences.ok_or_else(Problem::internal)?;
    let etag = [(ETAG, etag(preferences.version))];
    Ok((etag, axum::Json(PreferencesResponse::from(preferences))).into_response())
}
