use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use fintrac_kit::error::ProblemCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;

use super::page::{Button, negotiate_language, render_page};
use crate::language::Language;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Deserialize)]
pub struct ResetPasswordForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    new_password: String,
}

/// Shows the page of the emailed link: a password field and a button.
pub async fn show(headers: HeaderMap) -> Response {
    form(&negotiate_language(&headers), StatusCode::OK, "reset-title", "reset-body", "")
}

/// Sets the new password.
pub async fn submit(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(submitted): Form<ResetPasswordForm>,
) -> Response {
    let language = negotiate_language(&headers);
    let ResetPasswordForm { token, new_password } = submitted;
    let request = pb::ResetPasswordRequest { token: token.clone(), new_password, ..Default::default() };
    let Err(problem) = state.identity().reset_password(request).await.map_err(Problem::from) else {
        return render_page(StatusCode::OK, &language, "reset-done-title", "reset-done-body", None);
    };
    let status = problem.code.status();
    match problem.code {
        // The token is still valid.
        ProblemCode::ValidationFailed => {
            form(&language, status, "reset-rejected-title", "reset-rejected-body", &token)
        }
        _ if status.is_client_error() => {
            render_page(status, &language, "verify-invalid-title", "verify-invalid-body", None)
        }
        _ => render_page(status, &language, "verify-failed-title", "verify-failed-body", None),
    }
}

fn form(language: &Language, status: StatusCode, title: &str, body: &str, token: &str) -> Response {
    let (label, password) = (language.text("reset-action"), language.text("reset-label"));
    let button = Button { label: &label, token, password: Some(&password) };
    render_page(status, language, title, body, Some(button))
}
