use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use fintrac_proto::auth::v1 as pb;
use kit_core::error::ProblemCode;
use serde::Deserialize;

use super::page::{Button, render_failure, render_page};
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
pub async fn show(language: Language) -> Response {
    form(&language, StatusCode::OK, "reset-title", "reset-body", "")
}

/// Sets the new password.
pub async fn submit(
    State(state): State<AppState>,
    language: Language,
    Form(submitted): Form<ResetPasswordForm>,
) -> Response {
    let ResetPasswordForm { token, new_password } = submitted;
    let request = pb::ResetPasswordRequest { token: token.clone(), new_password, ..Default::default() };
    let Err(problem) = state.identity().reset_password(request).await.map_err(Problem::from) else {
        return render_page(StatusCode::OK, &language, "reset-done-title", "reset-done-body", None);
    };
    if problem.code == ProblemCode::ValidationFailed {
        // The token is still valid.
        let status = problem.code.status();
        return form(&language, status, "reset-rejected-title", "reset-rejected-body", &token);
    }
    render_failure(&problem, &language, "verify-invalid")
}

fn form(language: &Language, status: StatusCode, title: &str, body: &str, token: &str) -> Response {
    let (label, password) = (language.text("reset-action"), language.text("reset-label"));
    let button = Button { label: &label, token, password: Some(&password) };
    render_page(status, language, title, body, Some(button))
}
