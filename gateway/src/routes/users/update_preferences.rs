use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::preferences_view::PreferencesView;
use crate::extract::{
    AmountText, Change, IfMatch, Mask, NoParams, Object, OnceJson, Permitted, not_null, permission,
};
use crate::openapi::{WriteProblems, words};
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// What is to change; absent fields stay, `null` clears `large_transaction_limit`.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdatePreferencesRequest)]
#[serde(deny_unknown_fields)]
pub struct UpdatePreferencesBody {
    /// light, dark or system.
    #[schema(value_type = Option<words::Theme>, nullable = false, example = "dark")]
    #[serde(default, deserialize_with = "not_null")]
    theme: Option<String>,
    /// en, es, fr, de or pt.
    #[schema(value_type = Option<words::Locale>, nullable = false, example = "es")]
    #[serde(default, deserialize_with = "not_null")]
    locale: Option<String>,
    /// The currency of accounts, budgets and goals that you create without one.
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    default_currency: Option<String>,
    /// IANA name.
    #[schema(nullable = false, example = "Europe/Madrid")]
    #[serde(default, deserialize_with = "not_null")]
    timezone: Option<String>,
    /// Above zero, in the household's currency.
    #[schema(value_type = Option<AmountText>, example = "500.00")]
    #[serde(default)]
    large_transaction_limit: Change<AmountText>,
    /// By kind: budget_threshold, budget_exceeded, goal_milestone, goal_reached,
    /// goal_deadline, large_transaction, recurring_posted, recurring_failed,
    /// monthly_report. Kinds and ways
    /// that are not named stay as they are.
    #[schema(nullable = false, value_type = Option<BTreeMap<String, ChannelsBody>>, example = json!({"goal_milestone": {"mail": false}}))]
    #[serde(default, deserialize_with = "not_null")]
    notifications: Option<BTreeMap<String, Object<ChannelsBody>>>,
}

/// By which ways to hear of a kind of thing; absent: as it is.
#[derive(Deserialize, ToSchema)]
#[schema(as = ChannelsChange)]
#[serde(deny_unknown_fields)]
pub struct ChannelsBody {
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "not_null")]
    mail: Option<bool>,
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "not_null")]
    inbox: Option<bool>,
}

fn request(if_version: Option<i64>, body: UpdatePreferencesBody) -> pb::UpdatePreferencesRequest {
    let mut mask = Mask::default();
    let channels = mask.set("notifications", body.notifications).unwrap_or_default();
    let channels = channels.into_iter().map(|(kind, Object(channels))| pb::ChannelsChange {
        kind,
        mail: channels.mail,
        inbox: channels.inbox,
    });
    pb::UpdatePreferencesRequest {
        if_version,
        theme: mask.set("theme", body.theme),
        locale: mask.set("locale", body.locale),
        default_currency: mask.set("default_currency", body.default_currency),
        timezone: mask.set("timezone", body.timezone),
        large_transaction_limit: mask
            .change("large_transaction_limit", body.large_transaction_limit)
            .map(|AmountText(text)| text),
        notifications: channels.collect(),
        update_mask: Some(mask.into_proto()),
    }
}

/// Change your preferences
///
/// PUT and PATCH do the same: only the fields present change.
#[utoipa::path(method(put, patch), path = "/users/me/preferences", tag = "users", security(("access_token" = ["profile:write"])),
    params(("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = UpdatePreferencesBody,
    responses((status = 200, description = "The caller's preferences", body = PreferencesView, headers(("ETag" = String))), WriteProblems))]
pub async fn update_preferences(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::ProfileWrite>,
    IfMatch(if_version): IfMatch,
    OnceJson(once, body): OnceJson<UpdatePreferencesBody>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(if_version, body);
    let answer = state.preferences().update_preferences(once.request(request)).await?;
    let preferences = answer.into_inner().preferences.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(preferences.version))], axum::Json(PreferencesView::from(preferences))))
}
