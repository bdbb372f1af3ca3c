//! How a user likes it: language, looks, and what he wants to hear of.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use fintrac_kit::error::Violation;
use fintrac_money::{Amount, Currency};
use iso_currency::Flag;

/// Characters of an unknown kind that a refusal repeats.
const LONGEST_ECHO: usize = 64;

/// A kind of message that may be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
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

impl Kind {
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
            // What was planned is no reason for a mail.
            Self::RecurringPosted => Channels { mail: false, inbox: true },
            Self::BudgetThreshold
            | Self::BudgetExceeded
            | Self::GoalMilestone
            | Self::GoalReached
            | Self::GoalDeadline
            | Self::LargeTransaction
            | Self::RecurringFailed
            | Self::MonthlyReport => Channels { mail: true, inbox: true },
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
    pub mail: bool,
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
    pub channels: BTreeMap<Kind, Channels>,
    pub version: i64,
}

impl Preferences {
    pub fn channels(&self, kind: Kind) -> Channels {
        self.channels.get(&kind).copied().unwrap_or_else(|| kind.default_channels())
    }
}

/// A change of one kind, as somebody wrote it; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ChannelsChange {
    pub kind: String,
    pub mail: Option<bool>,
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
    ) -> Result<(Preferences, Vec<&'static str>), Vec<Violation>> {
        let mut violations = Vec::new();
        let mut after = before.clone();
        let mut put = |target: &mut String, wanted: Option<&String>, check: Check| {
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
            let read = limit.as_ref().map(|text| Amount::parse(text).and_then(|it| it.positive(household)));
            match read.transpose() {
                Ok(limit) => after.large_transaction_limit = limit.map(fintrac_money::Money::minor),
                Err(error) => violations.push(error.at("large_transaction_limit")),
            }
        }
        for change in &self.notifications {
            let Some(kind) = Kind::from_text(&change.kind) else {
                // The user's own word may be as long as he likes.
                let word: String = change.kind.chars().take(LONGEST_ECHO).collect();
                let field = format!("notifications.{word}");
                let known = Kind::ALL.map(Kind::as_str).join(", ");
                let text = format!("Not a kind that can be switched; those are {known}.");
                violations.push(Violation::new(field, "NOTIFICATION_KIND_UNKNOWN", text));
                continue;
            };
            let standing = after.channels(kind);
            let channels = Channels {
                mail: change.mail.unwrap_or(standing.mail),
                inbox: change.inbox.unwrap_or(standing.inbox),
            };
            after.channels.insert(kind, channels);
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        let heard = |it: &Preferences| Kind::ALL.map(|kind| it.channels(kind));
        let fields = [
            ("theme", before.theme != after.theme),
            ("locale", before.locale != after.locale),
            ("default_currency", before.default_currency != after.default_currency),
            ("timezone", before.timezone != after.timezone),
            ("large_transaction_limit", before.large_transaction_limit != after.large_transaction_limit),
            ("notifications", heard(before) != heard(&after)),
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
pub struct Check {
    field: &'static str,
    /// `None`: nobody said anything.
    read: fn(Option<&str>) -> Option<String>,
    reason: &'static str,
    hint: &'static str,
}

impl Check {
    pub fn apply(self, text: Option<&str>, violations: &mut Vec<Violation>) -> Option<String> {
        let value = (self.read)(text);
        if value.is_none() {
            violations.push(Violation::new(self.field, self.reason, self.hint));
        }
        value
    }
}

pub const LOCALE: Check = Check {
    field: "locale",
    read: |text| locale(text?),
    reason: "LOCALE_UNKNOWN",
    hint: "Use en, es, fr, de or pt.",
};

pub const THEME: Check = Check {
    field: "theme",
    read: |text| {
        let text = text.unwrap_or("system").trim().to_ascii_lowercase();
        ["light", "dark", "system"].contains(&text.as_str()).then_some(text)
    },
    reason: "THEME_UNKNOWN",
    hint: "Use light, dark or system.",
};

pub const CURRENCY: Check = Check {
    field: "default_currency",
    read: currency,
    reason: "CURRENCY_UNKNOWN",
    hint: "Use a currency code of ISO 4217 such as USD.",
};

pub const TIMEZONE: Check = Check {
    field: "timezone",
    read: |name| {
        let name = name.unwrap_or("UTC").trim();
        chrono_tz::Tz::from_str(name).ok().map(|zone| zone.name().to_owned())
    },
    reason: "TIMEZONE_UNKNOWN",
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
    let retired = |flag: &Flag| matches!(flag, Flag::Fund | Flag::Special | Flag::Superseded(_));
    let usable = currency.exponent().is_some() && (code == "VES" || !currency.flags().iter().any(retired));
    usable.then_some(code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fintrac_money::Currency;

    use super::{
        Channels, ChannelsChange, Kind, Preferences, PreferencesChanges, currency, preferred_locale,
    };

    fn standing() -> Preferences {
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
        let refused = |violations: Vec<fintrac_kit::error::Violation>| {
            violations.iter().map(|it| format!("{} {}", it.field, it.reason)).collect()
        };
        changes.apply(&standing(), euro).map_err(refused)
    }

    #[test]
    fn only_what_is_named_changes() {
        let changes = PreferencesChanges {
            theme: Some("DARK".into()),
            large_transaction_limit: Some(Some("500".into())),
            notifications: vec![ChannelsChange {
                kind: "GOAL_reached".into(),
                mail: Some(false),
                inbox: None,
            }],
            ..PreferencesChanges::default()
        };
        let (after, changed) = apply(&changes).expect("changed");
        assert_eq!(changed, ["theme", "large_transaction_limit", "notifications"]);
        assert_eq!((after.theme.as_str(), after.locale.as_str(), after.version), ("dark", "en", 2));
        assert_eq!(after.large_transaction_limit, Some(50_000));
        assert_eq!(after.channels(Kind::GoalReached), Channels { mail: false, inbox: true });
        assert_eq!(after.channels(Kind::BudgetExceeded), Kind::BudgetExceeded.default_channels());
        let same = ChannelsChange { kind: "goal_reached".into(), mail: Some(true), inbox: None };
        let same = PreferencesChanges { notifications: vec![same], ..PreferencesChanges::default() };
        assert_eq!(apply(&same).expect("nothing to refuse").1, Vec::<&str>::new());
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
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
                "theme THEME_UNKNOWN",
                "locale LOCALE_UNKNOWN",
                "default_currency CURRENCY_UNKNOWN",
                "timezone TIMEZONE_UNKNOWN",
                "large_transaction_limit AMOUNT_NOT_POSITIVE",
                "notifications.verification NOTIFICATION_KIND_UNKNOWN"
            ]
        );
    }

    #[test]
    fn households_are_kept_in_money_of_today() {
        for good in ["EUR", "jpy", " USD ", "VES", "KWD"] {
            assert!(currency(Some(good)).is_some(), "{good}");
        }
        for bad in ["HRK", "BGN", "CLF", "XAD", "XAU", "XTS", "EURO", ""] {
            assert_eq!(currency(Some(bad)), None, "{bad}");
        }
    }

    #[test]
    fn the_browser_chooses_the_language_of_those_who_name_none() {
        assert_eq!(preferred_locale("it, es-MX;q=0.8, en;q=0.5"), "es");
        assert_eq!(preferred_locale(""), "en");
    }
}
