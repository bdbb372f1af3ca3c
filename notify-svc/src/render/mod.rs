//! From what a mail says to its two forms. Every text comes from `locales/`;
//! the templates hold shape only and escape what they are given.

mod notice;

use std::borrow::Cow;
use std::collections::HashMap;

use askama::Template;
use fintrac_kit::words::WordsError;
use fluent_templates::fluent_bundle::FluentValue as Value;
use fluent_templates::{Loader as _, static_loader};
use unic_langid::{LanguageIdentifier, langid};

pub use notice::{Facts, account_notice, bars, day, minute, notice};

use crate::domain::kind::Kind;

static_loader! {
    static TEXTS = {
        locales: "./locales",
        fallback_language: "en",
        // Marks for mixed writing directions; our languages have one.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// What a mail says.
#[derive(Debug, Clone)]
pub enum Content {
    /// Something to do by a link, or by its code.
    Link {
        kind: Kind,
        link: String,
        code: Option<String>,
    },
    /// Something that happened.
    Told {
        kind: Kind,
        values: Vec<(&'static str, String)>,
        login: Option<String>,
    },
    Welcome {
        first_name: String,
        login: Option<String>,
    },
    /// What a notification says, in its language.
    Notice {
        locale: String,
        title: String,
        body: String,
        app: Option<String>,
        /// What and how much, and how long its bar is in percent.
        bars: Vec<(String, String, u8)>,
    },
}

impl Content {
    /// The language of words that are written already.
    pub fn locale(&self) -> Option<&str> {
        match self {
            Self::Notice { locale, .. } => Some(locale),
            Self::Link { .. } | Self::Told { .. } | Self::Welcome { .. } => None,
        }
    }
}

/// A mail in both forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub html: String,
    pub text: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("no text `{0}` in {1}")]
    MissingText(String, LanguageIdentifier),
    /// A fact that is no amount or day.
    #[error(transparent)]
    Unreadable(#[from] WordsError),
    #[error(transparent)]
    Template(#[from] askama::Error),
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    lang: &'a str,
    page: &'a Page,
}

#[derive(Template)]
#[template(path = "mail.txt")]
struct Text<'a> {
    page: &'a Page,
}

/// The one shape that all mails have.
struct Page {
    subject: String,
    paragraphs: Vec<String>,
    action: Option<Action>,
    code: Option<Code>,
    /// After the action.
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

static SPOKEN: [LanguageIdentifier; 5] =
    [langid!("en"), langid!("es"), langid!("fr"), langid!("de"), langid!("pt")];

/// The language to write in; of one that we do not speak English.
fn language(locale: &str) -> LanguageIdentifier {
    let spoken = SPOKEN.iter().find(|language| language.language.as_str() == locale);
    spoken.cloned().unwrap_or(langid!("en"))
}

struct Texts {
    language: LanguageIdentifier,
}

impl Texts {
    fn get(&self, id: &str) -> Result<String, RenderError> {
        self.with(id, &[])
    }

    fn with(&self, id: &str, values: &[(&'static str, Value<'_>)]) -> Result<String, RenderError> {
        let values: HashMap<Cow<'static, str>, Value<'_>> =
            values.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect();
        TEXTS
            .try_lookup_with_args(&self.language, id, &values)
            .ok_or_else(|| RenderError::MissingText(id.to_owned(), self.language.clone()))
    }
}

/// Renders `content` in the language of `locale`; `unsubscribe` is where mails
/// of its kind are ended.
pub fn render(locale: &str, content: &Content, unsubscribe: Option<&str>) -> Result<Rendered, RenderError> {
    let texts = Texts { language: language(locale) };
    let mut page = page(&texts, content)?;
    if let Some(url) = unsubscribe {
        let label = texts.get("unsubscribe-action")?;
        page.unsubscribe = Some(Action { label, url: url.to_owned() });
    }
    let lang = texts.language.to_string();
    Ok(Rendered {
        html: Html { lang: &lang, page: &page }.render()?,
        text: Text { page: &page }.render()?,
        subject: page.subject,
    })
}

fn page(texts: &Texts, content: &Content) -> Result<Page, RenderError> {
    let footer = texts.get("footer")?;
    Ok(match content {
        // No name in these: whoever typed the address may have chosen the name.
        Content::Link { kind, link, code } => {
            let id = kind.text_prefix();
            Page {
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
        Content::Told { kind, values, login } => {
            let id = kind.text_prefix();
            let values: Vec<_> =
                values.iter().map(|(name, value)| (*name, Value::from(value.as_str()))).collect();
            Page {
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
        Content::Welcome { first_name, login } => Page {
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
        Content::Notice { title, body, app, bars, .. } => Page {
            subject: title.clone(),
            paragraphs: vec![body.clone()],
            action: match app {
                Some(url) => Some(Action { label: texts.get("open-action")?, url: url.clone() }),
                None => None,
            },
            code: None,
            note: texts.get("notice-note")?,
            footer: texts.get("notice-footer")?,
            unsubscribe: None,
            bars: bars.clone(),
        },
    })
}

fn action(texts: &Texts, login: Option<&String>) -> Result<Option<Action>, RenderError> {
    let Some(url) = login else { return Ok(None) };
    Ok(Some(Action { label: texts.get("log-in-action")?, url: url.clone() }))
}

#[cfg(test)]
mod tests {
    use super::{Content, Kind, render};

    const LINKS: [Kind; 3] = [Kind::Verification, Kind::PasswordReset, Kind::EmailChange];
    const TOLD: [Kind; 11] = [
        Kind::AlreadyRegistered,
        Kind::PasswordChanged,
        Kind::EmailChanged,
        Kind::MfaEnabled,
        Kind::MfaDisabled,
        Kind::RecoveryCodeUsed,
        Kind::NewDevice,
        Kind::AccountLocked,
        Kind::AccountThrottled,
        Kind::AccountDeletion,
        Kind::AccountRestored,
    ];

    fn verification() -> Content {
        link(Kind::Verification)
    }

    fn link(kind: Kind) -> Content {
        let link = "https://app.example/verify-email#token=T".to_owned();
        Content::Link { kind, link, code: Some("042042".into()) }
    }

    /// Every mail there is; `name` stands wherever users have a word.
    fn contents(name: &str) -> Vec<Content> {
        let login = Some("https://app.example/login".to_owned());
        let values = ["device", "address", "time", "day"].map(|value| (value, name.to_owned()));
        let told = |kind| Content::Told { kind, values: values.to_vec(), login: login.clone() };
        let mut contents: Vec<_> = LINKS.map(link).into();
        contents.extend(TOLD.map(told));
        contents.push(Content::Notice {
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
    fn every_mail_has_every_text_in_every_language() {
        let notices = 9;
        assert_eq!(LINKS.len() + TOLD.len() + 1 + notices, Kind::ALL.len(), "a kind has no mail here");
        let english: Vec<_> =
            contents("Ana").iter().map(|it| render("en", it, None).expect("texts")).collect();
        for locale in ["en", "es", "fr", "de", "pt"] {
            for (content, english) in contents("Ana").iter().zip(&english) {
                let mail = render(locale, content, None).expect("all texts are there");
                for text in [&mail.subject, &mail.html, &mail.text] {
                    assert!(!text.is_empty() && !text.contains("Unknown localization"), "{text}");
                    assert!(!text.contains("{ $") && !text.contains("{$"), "{text}");
                }
                assert!(!mail.subject.contains('\n'));
                assert!(mail.html.contains(&format!("lang=\"{locale}\"")));
                let is_notice = matches!(content, Content::Notice { .. });
                assert!(
                    locale == "en" || is_notice || mail.subject != english.subject,
                    "{locale} {content:?}"
                );
                assert!(locale == "en" || mail.text != english.text, "{locale} {content:?}");
            }
        }
    }

    #[test]
    fn languages_differ() {
        let verification = verification();
        let (english, spanish) = (render("en", &verification, None), render("es", &verification, None));
        assert_ne!(english.expect("en").subject, spanish.expect("es").subject);
    }

    #[test]
    fn link_and_code_stand_in_both_forms() {
        let mail = render("en", &verification(), None).expect("a mail");
        for form in [&mail.html, &mail.text] {
            assert!(
                form.contains("https://app.example/verify-email#token=T") && form.contains("042042"),
                "{form}"
            );
        }
    }

    #[test]
    fn a_name_cannot_bring_markup() {
        let told = |content: &Content| match content {
            Content::Told { kind, .. } => matches!(kind, Kind::NewDevice | Kind::AccountDeletion),
            Content::Notice { .. } | Content::Welcome { .. } => true,
            Content::Link { .. } => false,
        };
        for content in contents("<b onclick=x>&").into_iter().filter(told) {
            let mail = render("en", &content, None).expect("a mail");
            assert!(!mail.html.contains("<b onclick"));
            assert!(mail.text.contains("<b onclick=x>&"), "the text form shows it as it is");
        }
    }
}
