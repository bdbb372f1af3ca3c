use std::collections::BTreeMap;

use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// How you like it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preferences)]
pub struct PreferencesResponse {
    /// light, dark or system.
    #[schema(example = "system")]
    theme: String,
    /// en, es, fr, de or pt. The language of emails and notifications.
    #[schema(example = "es")]
    locale: String,
    /// The currency of accounts, budgets and goals that you create without one.
    #[schema(example = "EUR")]
    default_currency: String,
    /// Decides what is today in your household.
    #[schema(example = "Europe/Madrid")]
    timezone: String,
    /// In the household's currency; null: none.
    #[schema(example = "500.00")]
    large_transaction_limit: Option<String>,
    /// By kind: budget_threshold, budget_exceeded, goal_milestone, goal_reached,
    /// goal_deadline, large_transaction, recurring_posted, recurring_failed,
    /// monthly_report.
    notifications: BTreeMap<String, Channels>,
}

/// By which ways you hear of a kind of thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Channels {
    mail: bool,
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
