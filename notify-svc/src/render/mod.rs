//! Renders emails as HTML and plain text.
//!
//! All texts come from `locales/`; the templates define the layout and escape their values.

mod notification;

use std::borrow::Cow;
use std::collections::HashMap;

use askama::Template;
use fintrac_proto::NotificationKind;
use fluent_templates::fluent_bundle::FluentValue as Value;
use fluent_templates::{Loader as _, static_loader};
use kit_locale::LocaleFormatError;
use unic_langid::{LanguageIdentifier, langid};

pub use notification::{
    NotificationData, category_bars, format_date, format_time, render_account_notification,
    render_notification,
};

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
    /// A message about the user's own account.
    Account {
        kind: NotificationKind,
        values: Vec<(&'static str, String)>,
        /// The URL of the button: the link with a token, or the login page.
        url: Option<String>,
        code: Option<String>,
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
            Self::Account { .. } => None,
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

/// Returns the id of a kind's text, such as `new-device-body`.
fn text_id(kind: NotificationKind, part: &str) -> String {
    format!("{}-{part}", kind.name().replace('_', "-"))
}

fn fluent_values<'a>(values: &'a [(&'static str, String)]) -> Vec<(&'static str, Value<'a>)> {
    values.iter().map(|(name, value)| (*name, Value::from(value.as_str()))).collect()
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
    match content {
        Content::Account { kind, values, url, code } => {
            let values = fluent_values(values);
            let text = |part| texts.with(&text_id(*kind, part), &values);
            let label = text("action").or_else(|_| texts.get("log-in-action"));
            let action = |url: &String| label.map(|label| Action { label, url: url.clone() });
            let code_label =
                |digits: &String| texts.get("code-label").map(|label| Code { label, digits: digits.clone() });
            Ok(EmailPage {
                subject: text("subject")?,
                paragraphs: text("greeting").into_iter().chain([text("body")?]).collect(),
                action: url.as_ref().map(action).transpose()?,
                code: code.as_ref().map(code_label).transpose()?,
                note: text("note")?,
                footer: texts.get("footer")?,
                unsubscribe: None,
                bars: Vec::new(),
            })
        }
        Content::Notification { title, body, app, bars, .. } => {
            let open =
                |url: &String| texts.get("open-action").map(|label| Action { label, url: url.clone() });
            Ok(EmailPage {
                subject: title.clone(),
                paragraphs: vec![body.clone()],
                action: app.as_ref().map(open).transpose()?,
                code: None,
                note: texts.get("notification-note")?,
                footer: texts.get("notification-footer")?,
                unsubscribe: None,
                bars: bars.clone(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    use super::{Content, NotificationKind, render, text_id};

    const LOCALES: [&str; 5] = ["en", "es", "fr", "de", "pt"];
    const EMAIL_TEXTS: &str = include_str!("../../locales/en/emails.ftl");

    /// Returns the names of the values in a text.
    fn value_names(text: &'static str) -> impl Iterator<Item = &'static str> {
        let ends = |letter: char| !letter.is_ascii_alphanumeric();
        text.split('$').skip(1).filter_map(move |rest| rest.split(ends).next())
    }

    /// An email about the account, with `name` in place of every value.
    fn account(kind: NotificationKind, name: &str) -> Content {
        Content::Account {
            kind,
            values: value_names(EMAIL_TEXTS).map(|value| (value, name.to_owned())).collect(),
            url: Some("https://app.example/verify-email#token=T".to_owned()),
            code: kind.link_page().map(|_| "042042".to_owned()),
        }
    }

    /// Every kind of email, with `name` in place of every value that a user chose.
    fn contents(name: &str) -> Vec<Content> {
        let kinds = NotificationKind::ALL.into_iter().filter(|kind| !kind.is_configurable());
        let mut contents: Vec<_> = kinds.map(|kind| account(kind, name)).collect();
        contents.push(Content::Notification {
            locale: "en".into(),
            title: "Food".into(),
            body: format!("{name} has 5 left."),
            app: Some("https://app.example".into()),
            bars: vec![(name.to_owned(), "5.00 EUR".into(), 40)],
        });
        contents
    }

    /// Lists the ids of a language's texts, each with its values.
    fn texts(locale: &str) -> BTreeMap<String, BTreeSet<String>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(locale);
        let (mut texts, mut id) = (BTreeMap::<_, BTreeSet<_>>::new(), String::new());
        for file in fs::read_dir(folder).expect("the language has a folder") {
            let content = fs::read_to_string(file.expect("an entry").path()).expect("a text file");
            for line in content.leak().lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                // The lines of a text after its first are indented.
                if let Some((name, _)) = line.split_once(" = ").filter(|(name, _)| !name.contains(' ')) {
                    name.clone_into(&mut id);
                }
                texts.entry(id.clone()).or_default().extend(value_names(line).map(str::to_owned));
            }
        }
        texts
    }

    #[test]
    fn every_language_has_every_text_with_the_same_values() {
        let english = texts("en");
        for kind in NotificationKind::ALL {
            let parts: &[&str] = match kind.link_page() {
                _ if kind.is_configurable() => &["title", "body"],
                Some(_) => &["subject", "body", "action", "note"],
                None => &["subject", "body", "note"],
            };
            for part in parts {
                let values = english.get(&text_id(kind, part)).expect("the kind has this text");
                assert!(kind.link_page().is_none() || values.is_empty(), "{kind:?} {part} has no name");
            }
        }
        for locale in LOCALES {
            assert_eq!(texts(locale), english, "{locale}");
        }
    }

    #[test]
    fn every_email_is_translated() {
        let english: Vec<_> =
            contents("Ana").iter().map(|content| render("en", content, None).expect("texts")).collect();
        for locale in LOCALES {
            for (content, english) in contents("Ana").iter().zip(&english) {
                let email = render(locale, content, None).expect("all texts exist");
                for text in [&email.subject, &email.html, &email.text] {
                    assert!(!text.is_empty() && !text.contains("{ $") && !text.contains("{$"), "{text}");
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
    fn both_forms_contain_link_and_code() {
        let email = render("en", &account(NotificationKind::Verification, "Ana"), None).expect("an email");
        for form in [&email.html, &email.text] {
            assert!(
                form.contains("https://app.example/verify-email#token=T") && form.contains("042042"),
                "{form}"
            );
        }
    }

    #[test]
    fn markup_in_a_name_is_escaped() {
        let emails = contents("<b onclick=x>&").into_iter().map(|content| render("en", &content, None));
        let emails: Vec<_> = emails.map(|email| email.expect("an email")).collect();
        assert!(emails.iter().all(|email| !email.html.contains("<b onclick")));
        let plain = emails.iter().filter(|email| email.text.contains("<b onclick=x>&")).count();
        assert_eq!(plain, emails.iter().filter(|email| email.html.contains("onclick=x")).count());
        assert!(plain > 0, "plain text is not escaped");
    }
}
