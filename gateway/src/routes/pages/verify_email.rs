use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use fintrac_proto::auth::v1 as pb;

use super::page::{Button, TokenForm, negotiate_language, render_page};
use crate::problem::Problem;
use crate::state::AppState;

/// Shows the page of the link in the verification email: a button.
pub async fn show(headers: HeaderMap) -> Response {
    let language = negotiate_language(&headers);
    let label = language.text("verify-action");
    let button = Button { label: &label, token: "", password: None };
    render_page(StatusCode::OK, &language, "verify-title", "verify-body", Some(button))
}

/// Verifies the email address.
pub async fn submit(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(form): Form<TokenForm>,
) -> Response {
    let language = negotiate_language(&headers);
    let request = pb::VerifyEmailRequest { token: form.token, ..Default::default() };
    match state.identity().verify_email(request).await.map_err(Problem::from) {
        Ok(_) => render_page(StatusCode::OK, &language, "verified-title", "verified-body", None),
        Err(problem) => {
            let status = problem.code.status();
            let (title, body) = if status.is_client_error() {
                ("verify-invalid-title", "verify-invalid-body")
            } else {
                ("verify-failed-title", "verify-failed-body")
            };
            render_page(status, &language, title, body, None)
        }
    }
}
