//! A user's preferences: language, theme, currency and notifications.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use fintrac_money::{Amount, Currency};
use fintrac_proto::{NotificationChannels, NotificationKind};
use iso_currency::Flag;
use kit_core::error::{FieldCode, FieldViolation};

/// The number of characters of an unknown kind that an error repeats.
const MAX_ECHO_CHARS: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    pub locale: String,
    pub theme: String,
    pub default_currency: String,
    pub timezone: String,
    /// Minor units of the household's currency.
    pub large_transaction_limit: Option<i64>,
    /// The channels of kinds that differ from the default.
    pub channels: BTreeMap<NotificationKind, NotificationChannels>,
    pub version: i64,
}

impl Preferences {
    pub fn channels(&self, kind: NotificationKind) -> NotificationChannels {
        self.channels.get(&kind).copied().unwrap_or(kind.channels())
    }
}

/// Parses a kind whose channels users can choose, in any letter case.
pub fn configurable_kind(text: &str) -> Option<NotificationKind> {
    let kind = NotificationKind::from_name(&text.trim().to_ascii_lowercase());
    kind.filter(|kind| kind.is_configurable())
}

/// A change of one kind's channels; an absent channel stays unchanged.
#[derive(Debug, Clone, Default)]
pub struct ChannelsChange {
    pub kind: String,
    pub email: Option<bool>,
    pub inbox: Option<bool>,
}

/// The fields that a user wants to change; an inner `None` clears a field.
#[derive(Debug, Clone, Default)]
pub struct PreferencesChanges {
    pub locale: Option<String>,
    pub theme: Option<String>,
    pub default_currency: Option<String>,
    pub timezone: Option<String>,
    pub large_transaction_limit: Option<Option<String>>,
    pub notifications: Vec<ChannelsChange>,
}

impl PreferencesChanges {
    /// Returns the changed preferences and the names of the fields that differ.
    pub fn apply(
        &self,
        before: &Preferences,
        household: Currency,
    ) -> Result<(Preferences, Vec<&'static str>), Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let mut after = before.clone();
        let mut put = |target: &mut String, input: Option<&String>, check: FieldRule| {
            if let Some(text) = input
                && let Some(value) = check.apply(Some(text), &mut violations)
            {
                *target = value;
            }
        };
        put(&mut after.theme, self.theme.as_ref(), THEME);
        put(&mut after.locale, self.locale.as_ref(), LOCALE);
        put(&mut after.default_currency, self.default_currency.as_ref(), CURRENCY);
        put(&mut after.timezone, self.timezone.as_ref(), TIMEZONE);
        if let Some(limit) = &self.large_transaction_limit {
            let parsed =
                limit.as_ref().map(|text| Amount::parse(text).and_then(|amount| amount.positive(household)));
            match parsed.transpose() {
                Ok(limit) => after.large_transaction_limit = limit.map(fintrac_money::Money::minor),
                Err(error) => violations.push(error.violation("large_transaction_limit")),
            }
        }
        for change in &self.notifications {
            let Some(kind) = configurable_kind(&change.kind) else {
                // The name that the user sent may have any length.
                let name: String = change.kind.chars().take(MAX_ECHO_CHARS).collect();
                let field = format!("notifications.{name}");
                let kinds: Vec<_> = NotificationKind::configurable().map(NotificationKind::name).collect();
                let text = format!("The kind must be one of {}. Send one of them.", kinds.join(", "));
                violations.push(FieldViolation::new(field, FieldCode::NotificationKindInvalid, text));
                continue;
            };
            let current = after.channels(kind);
            let channels = NotificationChannels {
                email: change.email.unwrap_or(current.email),
                inbox: change.inbox.unwrap_or(current.inbox),
            };
            after.channels.insert(kind, channels);
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        let differs = |kind| before.channels(kind) != after.channels(kind);
        let fields = [
            ("theme", before.theme != after.theme),
            ("locale", before.locale != after.locale),
            ("default_currency", before.default_currency != after.default_currency),
            ("timezone", before.timezone != after.timezone),
            ("large_transaction_limit", before.large_transaction_limit != after.large_transaction_limit),
            ("notifications", NotificationKind::configurable().any(differs)),
        ];
        let changed: Vec<_> =
            fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        if !changed.is_empty() {
            after.version = before.version.saturating_add(1);
        }
        Ok((after, changed))
    }
}

/// The rule by which one field is parsed, with its violation.
#[derive(Debug, Clone, Copy)]
pub struct FieldRule {
    field: &'static str,
    /// Parses the field; the argument is `None` if the field was not sent.
    parse: fn(Option<&str>) -> Option<String>,
    code: FieldCode,
    hint: &'static str,
}

impl FieldRule {
    pub fn apply(self, text: Option<&str>, violations: &mut Vec<FieldViolation>) -> Option<String> {
        let value = (self.parse)(text);
        if value.is_none() {
            violations.push(FieldViolation::new(self.field, self.code, self.hint));
        }
        value
    }
}

pub const LOCALE: FieldRule = FieldRule {
    field: "locale",
    parse: |text| locale(text?),
    code: FieldCode::LocaleInvalid,
    hint: "The language must be en, es, fr, de or pt. Send one of them.",
};

pub const THEME: FieldRule = FieldRule {
    field: "theme",
    parse: |text| {
        let text = text.unwrap_or("system").trim().to_ascii_lowercase();
        ["light", "dark", "system"].contains(&text.as_str()).then_some(text)
    },
    code: FieldCode::ThemeInvalid,
    hint: "The theme must be light, dark or system. Send one of them.",
};

pub const CURRENCY: FieldRule = FieldRule {
    field: "default_currency",
    parse: currency,
    code: FieldCode::CurrencyInvalid,
    hint: "The currency must be a current ISO 4217 code. Send one such as USD.",
};

pub const TIMEZONE: FieldRule = FieldRule {
    field: "timezone",
    parse: |name| {
        let name = name.unwrap_or("UTC").trim();
        chrono_tz::Tz::from_str(name).ok().map(|zone| zone.name().to_owned())
    },
    code: FieldCode::TimezoneInvalid,
    hint: "The time zone must be an IANA name. Send one such as Europe/Madrid.",
};

fn locale(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    ["en", "es", "fr", "de", "pt"].contains(&text.as_str()).then_some(text)
}

/// Returns the first supported language of `Accept-Language`, else English.
pub fn preferred_locale(languages: &str) -> String {
    languages
        .split(',')
        .find_map(|entry| locale(entry.split([';', '-']).next()?))
        .unwrap_or_else(|| "en".to_owned())
}

fn currency(code: Option<&str>) -> Option<String> {
    let code = code.unwrap_or("USD").trim().to_ascii_uppercase();
    let currency = iso_currency::Currency::from_code(&code)?;
    // A household needs a currency in daily use: no codes without minor units (XAU, XTS), no funds
    // (CLF), no units of account (XAD) and none that was replaced (HRK). VES stays valid although
    // VED replaced it, because payments are still made in VES.
    let is_retired = |flag: &Flag| matches!(flag, Flag::Fund | Flag::Special | Flag::Superseded(_));
    let is_usable =
        currency.exponent().is_some() && (code == "VES" || !currency.flags().iter().any(is_retired));
    is_usable.then_some(code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fintrac_money::Currency;
    use fintrac_proto::{NotificationChannels, NotificationKind};

    use super::{ChannelsChange, Preferences, PreferencesChanges, currency, preferred_locale};

    fn current() -> Preferences {
        Preferences {
            locale: "en".into(),
            theme: "system".into(),
            default_currency: "EUR".into(),
            timezone: "UTC".into(),
            large_transaction_limit: None,
            channels: BTreeMap::new(),
            version: 1,
        }
    }

    fn apply(changes: &PreferencesChanges) -> Result<(Preferences, Vec<&'static str>), Vec<String>> {
        let euro = Currency::from_code("EUR").expect("EUR");
        let rejected = |violations: Vec<kit_core::error::FieldViolation>| {
            violations.iter().map(|violation| format!("{} {}", violation.field, violation.code)).collect()
        };
        changes.apply(&current(), euro).map_err(rejected)
    }

    #[test]
    fn only_the_given_fields_change() {
        let changes = PreferencesChanges {
            theme: Some("DARK".into()),
            large_transaction_limit: Some(Some("500".into())),
            notifications: vec![ChannelsChange {
                kind: "GOAL_reached".into(),
                email: Some(false),
                inbox: None,
            }],
            ..PreferencesChanges::default()
        };
        let (after, changed) = apply(&changes).expect("changed");
        assert_eq!(changed, ["theme", "large_transaction_limit", "notifications"]);
        assert_eq!((after.theme.as_str(), after.locale.as_str(), after.version), ("dark", "en", 2));
        assert_eq!(after.large_transaction_limit, Some(50_000));
        let inbox_only = NotificationChannels { email: false, inbox: true };
        assert_eq!(after.channels(NotificationKind::GoalReached), inbox_only);
        assert_eq!(
            after.channels(NotificationKind::BudgetExceeded),
            NotificationKind::BudgetExceeded.channels()
        );
        let same = ChannelsChange { kind: "goal_reached".into(), email: Some(true), inbox: None };
        let same = PreferencesChanges { notifications: vec![same], ..PreferencesChanges::default() };
        assert_eq!(apply(&same).expect("no violations").1, Vec::<&str>::new());
    }

    #[test]
    fn all_violations_are_reported_at_once() {
        let changes = PreferencesChanges {
            locale: Some("it".into()),
            theme: Some("pink".into()),
            default_currency: Some("XAU".into()),
            timezone: Some("Mars/Base".into()),
            large_transaction_limit: Some(Some("0".into())),
            notifications: vec![ChannelsChange { kind: "verification".into(), ..ChannelsChange::default() }],
        };
        assert_eq!(
            apply(&changes).expect_err("violations"),
            [
                "theme THEME_INVALID",
                "locale LOCALE_INVALID",
                "default_currency CURRENCY_INVALID",
                "timezone TIMEZONE_INVALID",
                "large_transaction_limit AMOUNT_NOT_POSITIVE",
                "notifications.verification NOTIFICATION_KIND_INVALID"
            ]
        );
    }

    #[test]
    fn only_current_currencies_are_accepted() {
        for good in ["EUR", "jpy", " USD ", "VES", "KWD"] {
            assert!(currency(Some(good)).is_some(), "{good}");
        }
        for bad in ["HRK", "BGN", "CLF", "XAD", "XAU", "XTS", "EURO", ""] {
            assert_eq!(currency(Some(bad)), None, "{bad}");
        }
    }

    #[test]
    fn the_default_locale_comes_from_accept_language() {
        assert_eq!(preferred_locale("it, es-MX;q=0.8, en;q=0.5"), "es");
        assert_eq!(preferred_locale(""), "en");
    }
}
