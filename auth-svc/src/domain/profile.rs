//! The profile data that a user sends at registration and when changing it.

use std::collections::BTreeMap;

use kit_core::error::{FieldCode, FieldViolation};

use super::device::Device;
use super::email::Email;
use super::password;
use super::preferences::{CURRENCY, FieldRule, LOCALE, Preferences, THEME, TIMEZONE, preferred_locale};

const MAX_NAME_CHARS: usize = 100;

/// A checked registration.
#[derive(Debug, Clone)]
pub struct Registration {
    pub email: Email,
    pub password: String,
    pub first_name: String,
    pub last_name: String,
    pub username: Option<String>,
    pub phone_number: Option<String>,
    pub preferences: Preferences,
}

/// A registration as it was sent.
#[derive(Debug, Clone, Default)]
pub struct RegistrationInput {
    pub email: String,
    pub password: String,
    pub first_name: String,
    pub last_name: String,
    pub username: Option<String>,
    pub phone_number: Option<String>,
    pub locale: Option<String>,
    pub theme: Option<String>,
    pub default_currency: Option<String>,
    pub timezone: Option<String>,
    pub device: Device,
    /// The `Accept-Language` header, used if the registration names no locale.
    pub languages: String,
}

impl RegistrationInput {
    /// Checks all fields and returns all violations at once.
    pub fn check(self) -> Result<Registration, Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let email = parse_email(&mut violations, &self.email);
        // An invalid field becomes empty; its violation rejects the registration.
        let first_name = parse_name(&mut violations, "first_name", &self.first_name).unwrap_or_default();
        let last_name = parse_name(&mut violations, "last_name", &self.last_name).unwrap_or_default();
        if let Some(password) = required(&mut violations, "password", &self.password) {
            let local = email.as_ref().map_or("", Email::local_part);
            let context = [local, self.first_name.trim(), self.last_name.trim()];
            violations.extend(password::check("password", password, &context));
        }
        let username = self.username.and_then(|text| parse_username(&mut violations, &text));
        let phone_number = self.phone_number.and_then(|text| parse_phone_number(&mut violations, &text));
        self.device.check(&mut violations);
        let locale = self.locale.unwrap_or_else(|| preferred_locale(&self.languages));
        let mut apply =
            |rule: FieldRule, text: Option<&str>| rule.apply(text, &mut violations).unwrap_or_default();
        let preferences = Preferences {
            locale: apply(LOCALE, Some(&locale)),
            theme: apply(THEME, self.theme.as_deref()),
            default_currency: apply(CURRENCY, self.default_currency.as_deref()),
            timezone: apply(TIMEZONE, self.timezone.as_deref()),
            large_transaction_limit: None,
            channels: BTreeMap::new(),
            version: 1,
        };
        let password = self.password;
        match email {
            Some(email) if violations.is_empty() => Ok(Registration {
                email,
                password,
                first_name,
                last_name,
                username,
                phone_number,
                preferences,
            }),
            _ => Err(violations),
        }
    }
}

/// The fields of a profile that its user may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditableProfile {
    pub first_name: String,
    pub last_name: String,
    pub username: Option<String>,
    pub phone_number: Option<String>,
}

/// The fields that a user wants to change; an inner `None` clears a field.
#[derive(Debug, Clone, Default)]
pub struct ProfileChanges {
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub username: Option<Option<String>>,
    pub phone_number: Option<Option<String>>,
}

/// The result of applying changes to a profile.
#[derive(Debug)]
pub struct AppliedProfileChanges {
    pub after: EditableProfile,
    /// The names of the fields that differ.
    pub changed: Vec<&'static str>,
    /// The requested email address.
    pub email: Option<Email>,
}

impl ProfileChanges {
    /// Applies the changes to `before`, or returns all violations at once.
    pub fn apply(&self, before: &EditableProfile) -> Result<AppliedProfileChanges, Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let mut after = before.clone();
        if let Some(text) = &self.first_name
            && let Some(first_name) = parse_name(&mut violations, "first_name", text)
        {
            after.first_name = first_name;
        }
        if let Some(text) = &self.last_name
            && let Some(last_name) = parse_name(&mut violations, "last_name", text)
        {
            after.last_name = last_name;
        }
        if let Some(text) = &self.username {
            after.username = text.as_deref().and_then(|text| parse_username(&mut violations, text));
        }
        if let Some(text) = &self.phone_number {
            after.phone_number = text.as_deref().and_then(|text| parse_phone_number(&mut violations, text));
        }
        let email = self.email.as_deref().and_then(|text| parse_email(&mut violations, text));
        if !violations.is_empty() {
            return Err(violations);
        }
        let fields = [
            ("first_name", before.first_name != after.first_name),
            ("last_name", before.last_name != after.last_name),
            ("username", before.username != after.username),
            ("phone_number", before.phone_number != after.phone_number),
        ];
        let changed = fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        Ok(AppliedProfileChanges { after, changed, email })
    }
}

fn parse_email(violations: &mut Vec<FieldViolation>, text: &str) -> Option<Email> {
    let text = required(violations, "email", text)?;
    let violation = FieldViolation::from_code("email", FieldCode::EmailInvalid);
    require_valid(violations, Email::parse(text), violation)
}

fn parse_username(violations: &mut Vec<FieldViolation>, text: &str) -> Option<String> {
    let violation = FieldViolation::from_code("username", FieldCode::UsernameInvalid);
    require_valid(violations, username(text), violation)
}

fn parse_phone_number(violations: &mut Vec<FieldViolation>, text: &str) -> Option<String> {
    let violation = FieldViolation::from_code("phone_number", FieldCode::PhoneNumberInvalid);
    require_valid(violations, phone_number(text), violation)
}

fn required<'a>(violations: &mut Vec<FieldViolation>, field: &str, text: &'a str) -> Option<&'a str> {
    let filled = !text.trim().is_empty();
    if !filled {
        violations.push(FieldViolation::from_code(field, FieldCode::Required));
    }
    filled.then_some(text)
}

fn require_valid<T>(
    violations: &mut Vec<FieldViolation>,
    value: Option<T>,
    violation: FieldViolation,
) -> Option<T> {
    if value.is_none() {
        violations.push(violation);
    }
    value
}

fn parse_name(violations: &mut Vec<FieldViolation>, field: &str, text: &str) -> Option<String> {
    let text = required(violations, field, text)?.trim();
    let fits = text.chars().count() <= MAX_NAME_CHARS && !text.chars().any(char::is_control);
    let text_invalid = "The name must have 1 to 100 characters on one line. Shorten it.";
    let violation = FieldViolation::new(field, FieldCode::TextInvalid, text_invalid);
    require_valid(violations, fits.then(|| text.to_owned()), violation)
}

fn username(text: &str) -> Option<String> {
    let text = text.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let fits = (3..=30).contains(&text.len())
        && text.chars().all(good)
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    fits.then(|| text.to_owned())
}

/// Parses an E.164 number; spaces, dots, dashes and parentheses are dropped.
fn phone_number(text: &str) -> Option<String> {
    let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')')).collect();
    let digits = bare.strip_prefix('+')?;
    let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (fits && !digits.starts_with('0')).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::{RegistrationInput, phone_number};

    fn input() -> RegistrationInput {
        RegistrationInput {
            email: "ana@example.com".into(),
            password: "correct horse battery".into(),
            first_name: " Ana ".into(),
            last_name: "Gil".into(),
            ..RegistrationInput::default()
        }
    }

    #[test]
    fn missing_fields_have_defaults() {
        let registration = input().check().expect("a registration");
        assert_eq!(registration.first_name, "Ana");
        let preferences = registration.preferences;
        assert_eq!((preferences.locale.as_str(), preferences.theme.as_str()), ("en", "system"));
        assert_eq!((preferences.default_currency.as_str(), preferences.timezone.as_str()), ("USD", "UTC"));
    }

    #[test]
    fn all_violations_are_reported_at_once() {
        let wrong = RegistrationInput {
            email: "ana".into(),
            password: "short".into(),
            first_name: String::new(),
            last_name: "x\ny".into(),
            username: Some("1".into()),
            phone_number: Some("600".into()),
            locale: Some("it".into()),
            theme: Some("pink".into()),
            default_currency: Some("XAU".into()),
            timezone: Some("Mars/Base".into()),
            device: super::Device { platform: "x\ny".into(), ..super::Device::default() },
            languages: String::new(),
        };
        let violations = wrong.check().expect_err("violations");
        let found: Vec<_> =
            violations.iter().map(|violation| (violation.field.as_str(), violation.code.as_str())).collect();
        let expected = [
            ("email", "EMAIL_INVALID"),
            ("first_name", "REQUIRED"),
            ("last_name", "TEXT_INVALID"),
            ("password", "PASSWORD_TOO_SHORT"),
            ("username", "USERNAME_INVALID"),
            ("phone_number", "PHONE_NUMBER_INVALID"),
            ("device.platform", "TEXT_INVALID"),
            ("locale", "LOCALE_INVALID"),
            ("theme", "THEME_INVALID"),
            ("default_currency", "CURRENCY_INVALID"),
            ("timezone", "TIMEZONE_INVALID"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn phone_numbers_are_kept_in_one_form() {
        assert_eq!(phone_number("+34 (600) 000-000").as_deref(), Some("+34600000000"));
        for text in ["600000000", "+0600000000", "+1234567890123456", "+34x600000"] {
            assert_eq!(phone_number(text), None, "{text}");
        }
    }
}
