//! Texts in the client's language, negotiated from `Accept-Language`.

use std::borrow::Cow;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use fluent_langneg::{NegotiationStrategy, accepted_languages, negotiate_languages};
use fluent_templates::{Loader as _, static_loader};
use kit_locale::LocaleFormatter;
use unic_langid::{LanguageIdentifier, langid};

use crate::problem::Problem;

static_loader! {
    static TEXTS = {
        locales: "./locales",
        fallback_language: "en",
    };
}

static SUPPORTED_LOCALES: [LanguageIdentifier; 5] =
    [langid!("en"), langid!("es"), langid!("fr"), langid!("de"), langid!("pt")];
static DEFAULT_LOCALE: LanguageIdentifier = langid!("en");

/// A supported language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language(LanguageIdentifier);

impl Default for Language {
    fn default() -> Self {
        Self(DEFAULT_LOCALE.clone())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::from_headers(&parts.headers))
    }
}

impl Language {
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self::negotiate(accepted.unwrap_or_default())
    }

    /// Returns the best match for an `Accept-Language` header.
    pub fn negotiate(accepted: &str) -> Self {
        let requested = accepted_languages::parse(&sort_by_quality(accepted));
        let found = negotiate_languages(
            &requested,
            &SUPPORTED_LOCALES,
            Some(&DEFAULT_LOCALE),
            NegotiationStrategy::Lookup,
        );
        Self((*found.first().unwrap_or(&&DEFAULT_LOCALE)).clone())
    }

    pub fn code(&self) -> String {
        self.0.to_string()
    }

    /// Returns the formatter of amounts and dates in this language.
    pub fn formatter(&self) -> Result<LocaleFormatter, Problem> {
        LocaleFormatter::new(&self.code()).map_err(|error| {
            tracing::error!(%error, "locale formatter unavailable");
            Problem::internal()
        })
    }

    /// Returns the text `id`, or the id itself if it is missing.
    /// A test rules out missing texts.
    pub fn text(&self, id: &str) -> Cow<'static, str> {
        TEXTS.try_lookup(&self.0, id).map_or_else(|| Cow::Owned(id.to_owned()), Cow::Owned)
    }
}

/// Sorts the entries of the header by descending preference (RFC 9110, 12.5.4).
fn sort_by_quality(accepted: &str) -> String {
    let quality = |entry: &&str| {
        let (_, value) = entry.split_once("q=")?;
        value.trim().parse::<f32>().ok()
    };
    let mut entries: Vec<_> = accepted.split(',').collect();
    entries.sort_by(|a, b| quality(b).unwrap_or(1.0).total_cmp(&quality(a).unwrap_or(1.0)));
    entries.join(",")
}

#[cfg(test)]
mod tests {
    use super::{Language, SUPPORTED_LOCALES, TEXTS};
    use crate::problem::codes;
    use fluent_templates::Loader as _;

    #[test]
    fn every_problem_has_a_title_in_every_language() {
        for language in SUPPORTED_LOCALES.iter().cloned() {
            for code in codes::rest_codes() {
                let id = codes::title_id(code);
                let english = TEXTS.try_lookup(&SUPPORTED_LOCALES[0], &id);
                let found = TEXTS.try_lookup(&language, &id);
                assert!(found.is_some(), "{id} in {language}");
                assert!(
                    language == SUPPORTED_LOCALES[0] || found != english,
                    "{id} in {language} is not translated"
                );
            }
        }
    }

    #[test]
    fn accept_language_chooses_the_language() {
        for (accepted, expected) in [
            ("", "en"),
            ("es-MX,en;q=0.5", "es"),
            ("it, pt-BR;q=0.7", "pt"),
            ("xx", "en"),
            ("en;q=0.1, de", "de"),
        ] {
            assert_eq!(Language::negotiate(accepted).code(), expected, "{accepted}");
        }
    }
}
