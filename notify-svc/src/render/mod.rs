//! Renders emails as HTML and plain text.
//!
//! All texts come from `locales/`; the templates define the layout and escape their values.

mod notification;

use std::borrow::Cow;
use std::collections::HashMap;

use askama::Template;
use fintrac_kit::locale_format::LocaleFormatError;
use fluent_templates::fluent_bundle::FluentValue as Value;
use fluent_templates::{Loader as _, static_loader};
use unic_langid::{LanguageIdentifier, langid};

pub use notification::{
    NotificationData, category_bars, format_date, format_time, render_account_notification,
    render_notification,
};

use crate::domain::kind::NotificationKind;

static_loader! {
    static TEXTS = {
        locales: "./locales",
        fallback_language: "en",
        // Isolation marks serve mixed writing directions; all supported languages are left-to-right.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// The content of an email.
#[derive(Debug, Clone)]
pub enum Content {
    /// A request to follow a link or to enter its code.
    Link {
        kind: NotificationKind,
        link: String,
        code: Option<String>,
    },
    /// An event of the user's account.
    AccountEvent {
        kind: NotificationKind,
        values: Vec<(&'static str, String)>,
        login: Option<String>,
    },
    Welcome {
        first_name: String,
        login: Option<String>,
    },
    /// A notification, already rendered in its language.
    Notification {
        locale: String,
        title: String,
        body: String,
        app: Option<String>,
        /// Label, amount, and bar width in percent.
        bars: Vec<(String, String, u8)>,
    },
}

impl Content {
    /// The language of a text that is already rendered.
    pub fn locale(&self) -> Option<&str> {
        match self {
            Self::Notification { locale, .. } => Some(locale),
            Self::Link { .. } | Self::AccountEvent { .. } | Self::Welcome { .. } => None,
        }
    }
}

/// An email as HTML and as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedEmail {
    pub subject: String,
    pub html: String,
    pub text: String,
}

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("no text `{0}` in {1}")]
    MissingText(String, LanguageIdentifier),
    /// A value that is not an amount or a date.
    #[error(transparent)]
    Format(#[from] LocaleFormatError),
    #[error(transparent)]
    Template(#[from] askama::Error),
}

#[derive(Template)]
#[template(path = "email.html")]
struct Html<'a> {
    lang: &'a str,
    page: &'a EmailPage,
}

#[derive(Template)]
#[template(path = "email.txt")]
struct Text<'a> {
    page: &'a EmailPage,
}

/// The layout that all emails share.
struct EmailPage {
    subject: String,
    paragraphs: Vec<String>,
    action: Option<Action>,
    code: Option<Code>,
    /// The paragraph after the action.
    note: String,
    footer: String,
    unsubscribe: Option<Action>,
    bars: Vec<(String, String, u8)>,
}

struct Action {
    label: String,
    url: String,
}

struct Code {
    label: String,
    digits: String,
}

static SUPPORTED_LOCALES: [LanguageIdentifier; 5] =
    [langid!("en"), langid!("es"), langid!("fr"), langid!("de"), langid!("pt")];

/// Returns the supported language for `locale`, or English.
fn language(locale: &str) -> LanguageIdentifier {
    let supported = SUPPORTED_LOCALES.iter().find(|language| language.language.as_str() == locale);
    supported.cloned().unwrap_or(langid!("en"))
}

struct Texts {
    language: LanguageIdentifier,
}

impl Texts {
    fn get(&self, id: &str) -> Result<String, TemplateError> {
        self.with(id, &[])
    }

    fn with(&self, id: &str, values: &[(&'static str, Value<'_>)]) -> Result<String, TemplateError> {
        let values: HashMap<Cow<'static, str>, Value<'_>> =
            values.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect();
        TEXTS
            .try_lookup_with_args(&self.language, id, &values)
            .ok_or_else(|| TemplateError::MissingText(id.to_owned(), self.language.clone()))
    }
}

/// Renders `content` in the language of `locale`.
///
/// `unsubscribe` is the URL that unsubscribes from emails of this kind.
pub fn render(
    locale: &str,
    content: &Content,
    unsubscribe: Option<&str>,
) -> Result<RenderedEmail, TemplateError> {
    let texts = Texts { language: language(locale) };
    let mut page = page(&texts, content)?;
    if let Some(url) = unsubscribe {
        let label = texts.get("unsubscribe-action")?;
        page.unsubscribe = Some(Action { label, url: url.to_owned() });
    }
    let lang = texts.language.to_string();
    Ok(RenderedEmail {
        html: Html { lang: &lang, page: &page }.render()?,
        text: Text { page: &page }.render()?,
        subject: page.subject,
    })
}

fn page(texts: &Texts, content: &Content) -> Result<EmailPage, TemplateError> {
    let footer = texts.get("footer")?;
    Ok(match content {
        // These emails contain no name: the person who entered the address may have chosen the name.
        Content::Link { kind, link, code } => {
            let id = kind.text_prefix();
            EmailPage {
                subject: texts.get(&format!("{id}-subject"))?,
                paragraphs: vec![texts.get(&format!("{id}-body"))?],
                action: Some(Action { label: texts.get(&format!("{id}-action"))?, url: link.clone() }),
                code: match code {
                    Some(digits) => Some(Code { label: texts.get("code-label")?, digits: digits.clone() }),
                    None => None,
                },
                note: texts.get(&format!("{id}-note"))?,
                footer,
                unsubscribe: None,
                bars: Vec::new(),
            }
        }
        Content::AccountEvent { kind, values, login } => {
            let id = kind.text_prefix();
            let values: Vec<_> =
                values.iter().map(|(name, value)| (*name, Value::from(value.as_str()))).collect();
            EmailPage {
                subject: texts.get(&format!("{id}-subject"))?,
                paragraphs: vec![texts.with(&format!("{id}-body"), &values)?],
                action: action(texts, login.as_ref())?,
                code: None,
                note: texts.get(&format!("{id}-note"))?,
                footer,
                unsubscribe: None,
                bars: Vec::new(),
            }
        }
        Content::Welcome { first_name, login } => EmailPage {
            subject: texts.get("welcome-subject")?,
            paragraphs: vec![
                texts.with("welcome-greeting", &[("name", Value::from(first_name.as_str()))])?,
                texts.get("welcome-body")?,
            ],
            action: action(texts, login.as_ref())?,
            code: None,
            note: texts.get("welcome-note")?,
            footer,
            unsubscribe: None,
            bars: Vec::new(),
        },
        Content::Notification { title, body, app, bars, .. } => EmailPage {
            subject: title.clone(),
            paragraphs: vec![body.clone()],
            action: match app {
                Some(url) => Some(Action { label: texts.get("open-action")?, url: url.clone() }),
                None => None,
            },
            code: None,
            note: texts.get("notification-note")?,
            footer: texts.get("notification-footer")?,
            unsubscribe: None,
            bars: bars.clone(),
        },
    })
}

fn action(texts: &Texts, login: Option<&String>) -> Result<Option<Action>, TemplateError> {
    let Some(url) = login else { return Ok(None) };
    Ok(Some(Action { label: texts.get("log-in-action")?, url: url.clone() }))
}

#[cfg(test)]
mod tests {
    use super::{Content, NotificationKind, render};

    const LINK_KINDS: [NotificationKind; 3] =
        [NotificationKind::Verification, NotificationKind::PasswordReset, NotificationKind::EmailChange];
    const ACCOUNT_EVENT_KINDS: [NotificationKind; 11] = [
        NotificationKind::AlreadyRegistered,
        NotificationKind::PasswordChanged,
        NotificationKind::EmailChanged,
        NotificationKind::MfaEnabled,
        NotificationKind::MfaDisabled,
        NotificationKind::RecoveryCodeUsed,
        NotificationKind::NewDevice,
        NotificationKind::AccountLocked,
        NotificationKind::AccountThrottled,
        NotificationKind::AccountDeletion,
        NotificationKind::AccountRestored,
    ];

    fn verification() -> Content {
        link(NotificationKind::Verification)
    }

    fn link(kind: NotificationKind) -> Content {
        let link = "https://app.example/verify-email#token=T".to_owned();
        Content::Link { kind, link, code: Some("042042".into()) }
    }

    /// Every kind of email, with `name` in place of every value that a user chose.
    fn contents(name: &str) -> Vec<Content> {
        let login = Some("https://app.example/login".to_owned());
        let values = ["device", "address", "time", "day"].map(|value| (value, name.to_owned()));
        let account_event =
            |kind| Content::AccountEvent { kind, values: values.to_vec(), login: login.clone() };
        let mut contents: Vec<_> = LINK_KINDS.map(link).into();
        contents.extend(ACCOUNT_EVENT_KINDS.map(account_event));
        contents.push(Content::Notification {
            locale: "en".into(),
            title: "Food".into(),
            body: format!("{name} has 5 left."),
            app: Some("https://app.example".into()),
            bars: vec![(name.to_owned(), "5.00 EUR".into(), 40)],
        });
        contents.push(Content::Welcome { first_name: name.into(), login });
        contents
    }

    #[test]
    fn every_email_has_every_text_in_every_language() {
        let notifications = 9;
        assert_eq!(
            LINK_KINDS.len() + ACCOUNT_EVENT_KINDS.len() + 1 + notifications,
            NotificationKind::ALL.len(),
            "every kind has an email in this test"
        );
        let english: Vec<_> =
            contents("Ana").iter().map(|content| render("en", content, None).expect("texts")).collect();
        for locale in ["en", "es", "fr", "de", "pt"] {
            for (content, english) in contents("Ana").iter().zip(&english) {
                let email = render(locale, content, None).expect("all texts exist");
                for text in [&email.subject, &email.html, &email.text] {
                    assert!(!text.is_empty() && !text.contains("Unknown localization"), "{text}");
                    assert!(!text.contains("{ $") && !text.contains("{$"), "{text}");
                }
                assert!(!email.subject.contains('\n'));
                assert!(email.html.contains(&format!("lang=\"{locale}\"")));
                let is_notification = matches!(content, Content::Notification { .. });
                assert!(
                    locale == "en" || is_notification || email.subject != english.subject,
                    "{locale} {content:?}"
                );
                assert!(locale == "en" || email.text != english.text, "{locale} {content:?}");
            }
        }
    }

    #[test]
    fn every_language_has_its_own_text() {
        let verification = verification();
        let (english, spanish) = (render("en", &verification, None), render("es", &verification, None));
        assert_ne!(english.expect("en").subject, spanish.expect("es").subject);
    }

    #[test]
    fn both_forms_contain_link_and_code() {
        let email = render("en", &verification(), None).expect("an email");
        for form in [&email.html, &email.text] {
            assert!(
                form.contains("https://app.example/verify-email#token=T") && form.contains("042042"),
                "{form}"
            );
        }
    }

    #[test]
    fn markup_in_a_name_is_escaped() {
        let has_name = |content: &Content| match content {
            Content::AccountEvent { kind, .. } => {
                matches!(kind, NotificationKind::NewDevice | NotificationKind::AccountDeletion)
            }
            Content::Notification { .. } | Content::Welcome { .. } => true,
            Content::Link { .. } => false,
        };
        for content in contents("<b onclick=x>&").into_iter().filter(has_name) {
            let email = render("en", &content, None).expect("an email");
            assert!(!email.html.contains("<b onclick"));
            assert!(email.text.contains("<b onclick=x>&"), "plain text is not escaped");
        }
    }
}
