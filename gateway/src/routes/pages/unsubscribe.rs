use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use fintrac_proto::auth::v1 as pb;

use super::page::{Button, TokenForm, negotiate_language, render_page};
use crate::problem::Problem;
use crate::state::AppState;

/// Shows the page of the link in an email: a button.
pub async fn show(headers: HeaderMap, Query(query): Query<TokenForm>) -> Response {
    let language = negotiate_language(&headers);
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
    headers: HeaderMap,
    Query(query): Query<TokenForm>,
) -> Response {
    let language = negotiate_language(&headers);
    let request = pb::UnsubscribeRequest { token: query.token };
    match state.preferences().unsubscribe(request).await.map_err(Problem::from) {
        Ok(_) => render_page(StatusCode::OK, &language, "unsubscribed-title", "unsubscribed-body", None),
        Err(problem) => {
            let status = problem.code.status();
            let (title, body) = if status.is_client_error() {
                ("unsubscribe-invalid-title", "unsubscribe-invalid-body")
            } else {
                ("verify-failed-title", "verify-failed-body")
            };
            render_page(status, &language, title, body, None)
        }
    }
}
