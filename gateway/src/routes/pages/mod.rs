//! Serves small HTML pages for users without a front end.
//!
//! They act on a button, never on GET, because email scanners follow links. The token of a link is
//! in its fragment, from where our script copies it into the form. Only `/unsubscribe` has the
//! token in the query, because email programs post to that URL (RFC 8058).

mod reset_password;
mod unsubscribe;
mod verify_email;

use askama::Template;
use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::language::Language;
use crate::state::AppState;

/// The script that copies the token of a link into the form.
static SCRIPT: &str = include_str!("../../../assets/pages.js");

/// Allows our own script and forms to our own origin, nothing else.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub fn router() -> Router<AppState> {
    Router::new()
        .route("/verify-email", get(verify_email::show).post(verify_email::submit))
        .route("/reset-password", get(reset_password::show).post(reset_password::submit))
        .route("/unsubscribe", get(unsubscribe::show).post(unsubscribe::submit))
        .route("/pages.js", get(script))
}

async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")], SCRIPT)
}

/// The token that a form posts, or that the link to unsubscribe contains.
#[derive(Deserialize)]
struct TokenForm {
    #[serde(default)]
    token: String,
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
struct Button<'a> {
    label: &'a str,
    token: &'a str,
    /// The label of the password field.
    password: Option<&'a str>,
}

fn render_page(
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

fn negotiate_language(headers: &HeaderMap) -> Language {
    let accepted = headers.get("accept-language").and_then(|value| value.to_str().ok());
    Language::negotiate(accepted.unwrap_or_default())
}
