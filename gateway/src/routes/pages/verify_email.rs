use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use fintrac_proto::auth::v1 as pb;

use super::page::{Button, TokenForm, render_failure, render_page};
use crate::language::Language;
use crate::problem::Problem;
use crate::state::AppState;

/// Shows the page of the link in the verification email: a button.
pub async fn show(language: Language) -> Response {
    let label = language.text("verify-action");
    let button = Button { label: &label, token: "", password: None };
    render_page(StatusCode::OK, &language, "verify-title", "verify-body", Some(button))
}

/// Verifies the email address.
pub async fn submit(
    State(state): State<AppState>,
    language: Language,
    Form(form): Form<TokenForm>,
) -> Response {
    let request = pb::VerifyEmailRequest { token: form.token, ..Default::default() };
    match state.identity().verify_email(request).await.map_err(Problem::from) {
        Ok(_) => render_page(StatusCode::OK, &language, "verified-title", "verified-body", None),
        Err(problem) => render_failure(&problem, &language, "verify-invalid"),
    }
}
