use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use fintrac_proto::auth::v1 as pb;

use super::page::{Button, TokenForm, render_failure, render_page};
use crate::language::Language;
use crate::problem::Problem;
use crate::state::AppState;

/// Shows the page of the link in an email: a button.
pub async fn show(language: Language, Query(query): Query<TokenForm>) -> Response {
    let label = language.text("unsubscribe-action");
    let button = Button { label: &label, token: &query.token, password: None };
    render_page(StatusCode::OK, &language, "unsubscribe-title", "unsubscribe-body", Some(button))
}

/// Unsubscribes the user.
///
/// The button and the one-click request of email programs (RFC 8058) both post to the URL of the
/// link.
pub async fn submit(
    State(state): State<AppState>,
    language: Language,
    Query(query): Query<TokenForm>,
) -> Response {
    let request = pb::UnsubscribeRequest { token: query.token };
    match state.preferences().unsubscribe(request).await.map_err(Problem::from) {
        Ok(_) => render_page(StatusCode::OK, &language, "unsubscribed-title", "unsubscribed-body", None),
        Err(problem) => render_failure(&problem, &language, "unsubscribe-invalid"),
    }
}
