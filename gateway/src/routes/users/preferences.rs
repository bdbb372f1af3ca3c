use std::collections::BTreeMap;

use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

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
