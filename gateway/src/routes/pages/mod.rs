//! Serves small HTML pages for users without a front end.
//!
//! They act on a button, never on GET, because email scanners follow links. The token of a link is
//! in its fragment, from where our script copies it into the form. Only `/unsubscribe` has the
//! token in the query, because email programs post to that URL (RFC 8058).

mod page;
mod reset_password;
mod unsubscribe;
mod verify_email;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::state::AppState;

/// The script that copies the token of a link into the form.
static SCRIPT: &str = include_str!("../../../assets/pages.js");

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
