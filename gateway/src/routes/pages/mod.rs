//! Small pages for people without a front end. They act on a button, never on
//! GET: mail scanners follow links. The token of a link is in its fragment, which
//! a script of ours puts into the form; only `/unsubscribe` has it in the query, for
//! mail programs post to that (RFC 8058).

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

/// Puts the token of a link into the form.
static SCRIPT: &str = include_str!("../../../assets/pages.js");

/// One script of ours, nothing from elsewhere; forms only to ourselves.
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

/// What a form posts, or the link to unsubscribe carries.
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

/// A form with one hidden field, and a new password where one is asked for.
struct Button<'a> {
    label: &'a str,
    token: &'a str,
    /// The label of the password's field.
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
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn negotiate_language(headers: &HeaderMap) -> Language {
    let accepted = headers.get("accept-language").and_then(|value| value.to_str().ok());
    Language::negotiate(accepted.unwrap_or_default())
}
