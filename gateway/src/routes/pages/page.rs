use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::language::Language;
use crate::problem::Problem;

/// Allows our own script and forms to our own origin, nothing else.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The token that a form posts, or that the link to unsubscribe contains.
#[derive(Deserialize)]
pub struct TokenForm {
    #[serde(default)]
    pub token: String,
}

#[derive(Template)]
#[template(path = "page.html")]
struct PageTemplate<'a> {
    lang: &'a str,
    title: &'a str,
    body: &'a str,
    button: Option<Button<'a>>,
}

/// A form with a hidden token and, with a `password`, a field for a new password.
pub struct Button<'a> {
    pub label: &'a str,
    pub token: &'a str,
    /// The label of the password field.
    pub password: Option<&'a str>,
}

pub fn render_page(
    status: StatusCode,
    language: &Language,
    title: &str,
    body: &str,
    button: Option<Button<'_>>,
) -> Response {
    let (lang, title, body) = (&language.code(), &language.text(title), &language.text(body));
    match (PageTemplate { lang, title, body, button }).render() {
        Ok(html) => (status, [(CONTENT_SECURITY_POLICY, PAGE_CSP), (CACHE_CONTROL, "no-store")], Html(html))
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "page rendering failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Renders a page about a failure.
///
/// `rejected` is the prefix of the message ids if the request is at fault.
pub fn render_failure(problem: &Problem, language: &Language, rejected: &str) -> Response {
    let status = problem.code.status();
    let id = if status.is_client_error() { rejected } else { "verify-failed" };
    render_page(status, language, &format!("{id}-title"), &format!("{id}-body"), None)
}
