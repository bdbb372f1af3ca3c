//! How a user likes it: language, looks, and what he wants to hear of.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use fintrac_kit::error::FieldViolation;
use fintrac_money::{Amount, Currency};
use iso_currency::Flag;

/// Characters of an unknown kind that a refusal repeats.
const MAX_ECHO_CHARS: usize = 64;

/// A kind of message that may be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotificationKind {
    BudgetThreshold,
    BudgetExceeded,
    GoalMilestone,
    GoalReached,
    GoalDeadline,
    LargeTransaction,
    RecurringPosted,
    RecurringFailed,
    MonthlyReport,
}

impl NotificationKind {
    pub const ALL: [Self; 9] = [
        Self::BudgetThreshold,
        Self::BudgetExceeded,
        Self::GoalMilestone,
        Self::GoalReached,
        Self::GoalDeadline,
        Self::LargeTransaction,
        Self::RecurringPosted,
        Self::RecurringFailed,
        Self::MonthlyReport,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::BudgetThreshold => "budget_threshold",
            Self::BudgetExceeded => "budget_exceeded",
            Self::GoalMilestone => "goal_milestone",
            Self::GoalReached => "goal_reached",
            Self::GoalDeadline => "goal_deadline",
            Self::LargeTransaction => "large_transaction",
            Self::RecurringPosted => "recurring_posted",
            Self::RecurringFailed => "recurring_failed",
            Self::MonthlyReport => "monthly_report",
        }
    }

    /// How people hear of it who said nothing.
    pub fn default_channels(self) -> Channels {
        match self {
            // What was planned is no reason for an email.
            Self::RecurringPosted => Channels { email: false, inbox: true },
            Self::BudgetThreshold
            | Self::BudgetExceeded
            | Self::GoalMilestone
            | Self::GoalReached
            | Self::GoalDeadline
            | Self::LargeTransaction
            | Self::RecurringFailed
            | Self::MonthlyReport => Channels { email: true, inbox: true },
        }
    }

    /// In any letter case.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The ways to tell a user something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels {
    pub email: bool,
    pub inbox: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    pub locale: String,
    pub theme: String,
    pub default_currency: String,
    pub timezone: String,
    /// Minor units of the household's currency.
    pub large_transaction_limit: Option<i64>,
    /// Those that differ from the default.
    pub channels: BTreeMap<NotificationKind, Channels>,
    pub version: i64,
}

impl Preferences {
    pub fn channels(&self, kind: NotificationKind) -> Channels {
        self.channels.get(&kind).copied().unwrap_or_else(|| kind.default_channels())
    }
}

/// A change of one kind, as somebody wrote it; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ChannelsChange {
    pub kind: String,
    pub email: Option<bool>,
    pub inbox: Option<bool>,
}

/// The fields that somebody wants changed; an inner `None` clears one.
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
    /// The preferences as they will be and the names of the fields that differ.
    pub fn apply(
        &self,
        before: &Preferences,
        household: Currency,
    ) -> Result<(Preferences, Vec<&'static str>), Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let mut after = before.clone();
        let mut put = |target: &mut String, wanted: Option<&String>, check: FieldRule| {
            if let Some(text) = wanted
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
            let Some(kind) = NotificationKind::from_text(&change.kind) else {
                // The user's own word may be as long as he likes.
                let name: String = change.kind.chars().take(MAX_ECHO_CHARS).collect();
                let field = format!("notifications.{name}");
                let kinds = NotificationKind::ALL.map(NotificationKind::as_str).join(", ");
                let text = format!("Not a kind that can be switched; those are {kinds}.");
                violations.push(FieldViolation::new(field, "NOTIFICATION_KIND_INVALID", text));
                continue;
            };
            let current = after.channels(kind);
            let channels = Channels {
                email: change.email.unwrap_or(current.email),
                inbox: change.inbox.unwrap_or(current.inbox),
            };
            after.channels.insert(kind, channels);
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        let all_channels =
            |preferences: &Preferences| NotificationKind::ALL.map(|kind| preferences.channels(kind));
        let fields = [
            ("theme", before.theme != after.theme),
            ("locale", before.locale != after.locale),
            ("default_currency", before.default_currency != after.default_currency),
            ("timezone", before.timezone != after.timezone),
            ("large_transaction_limit", before.large_transaction_limit != after.large_transaction_limit),
            ("notifications", all_channels(before) != all_channels(&after)),
        ];
        let changed: Vec<_> =
            fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        if !changed.is_empty() {
            after.version = before.version.saturating_add(1);
        }
        Ok((after, changed))
    }
}

/// How one field is read, and what is said of one that cannot be.
#[derive(Debug, Clone, Copy)]
pub struct FieldRule {
    field: &'static str,
    /// `None`: nobody said anything.
    parse: fn(Option<&str>) -> Option<String>,
    reason: &'static str,
    hint: &'static str,
}

impl FieldRule {
    pub fn apply(self, text: Option<&str>, violations: &mut Vec<FieldViolation>) -> Option<String> {
        let value = (self.parse)(text);
        if value.is_none() {
            violations.push(FieldViolation::new(self.field, self.reason, self.hint));
        }
        value
    }
}

pub const LOCALE: FieldRule = FieldRule {
    field: "locale",
    parse: |text| locale(text?),
    reason: "LOCALE_INVALID",
    hint: "Use en, es, fr, de or pt.",
};

pub const THEME: FieldRule = FieldRule {
    field: "theme",
    parse: |text| {
        let text = text.unwrap_or("system").trim().to_ascii_lowercase();
        ["light", "dark", "system"].contains(&text.as_str()).then_some(text)
    },
    reason: "THEME_INVALID",
    hint: "Use light, dark or system.",
};

pub const CURRENCY: FieldRule = FieldRule {
    field: "default_currency",
    parse: currency,
    reason: "CURRENCY_INVALID",
    hint: "Use a currency code of ISO 4217 such as USD.",
};

pub const TIMEZONE: FieldRule = FieldRule {
    field: "timezone",
    parse: |name| {
        let name = name.unwrap_or("UTC").trim();
        chrono_tz::Tz::from_str(name).ok().map(|zone| zone.name().to_owned())
    },
    reason: "TIMEZONE_INVALID",
    hint: "Use a name of the IANA time zone database such as Europe/Madrid.",
};

fn locale(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    ["en", "es", "fr", "de", "pt"].contains(&text.as_str()).then_some(text)
}

/// The first language of `Accept-Language` that we speak, else English.
pub fn preferred_locale(languages: &str) -> String {
    languages
        .split(',')
        .find_map(|entry| locale(entry.split([';', '-']).next()?))
        .unwrap_or_else(|| "en".to_owned())
}

fn currency(code: Option<&str>) -> Option<String> {
    let code = code.unwrap_or("USD").trim().to_ascii_uppercase();
    let currency = iso_currency::Currency::from_code(&code)?;
    // A household is kept in money that people hold today: no codes without
    // minor units (XAU, XTS), no funds (CLF), units of account (XAD), none that was replaced (HRK).
    // (VED replaced VES on paper only: everybody there pays in VES.)
    let is_retired = |flag: &Flag| matches!(flag, Flag::Fund | Flag::Special | Flag::Superseded(_));
    let is_usable =
        currency.exponent().is_some() && (code == "VES" || !currency.flags().iter().any(is_retired));
    is_usable.then_some(code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fintrac_money::Currency;

    use super::{
        Channels, ChannelsChange, NotificationKind, Preferences, PreferencesChanges, currency,
        preferred_locale,
    };

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
        let rejected = |violations: Vec<fintrac_kit::error::FieldViolation>| {
            violations.iter().map(|violation| format!("{} {}", violation.field, violation.reason)).collect()
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
        assert_eq!(after.channels(NotificationKind::GoalReached), Channels { email: false, inbox: true });
        assert_eq!(
            after.channels(NotificationKind::BudgetExceeded),
            NotificationKind::BudgetExceeded.default_channels()
        );
        let same = ChannelsChange { kind: "goal_reached".into(), email: Some(true), inbox: None };
        let same = PreferencesChanges { notifications: vec![same], ..PreferencesChanges::default() };
        assert_eq!(apply(&same).expect("nothing to refuse").1, Vec::<&str>::new());
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
            apply(&changes).expect_err("refused"),
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
