//! Errors of the gateway as problem+json (RFC 9457).
//!
//! A handler or extractor fails with a [`Problem`]; the outermost layer adds the language, the path
//! and the request id, and writes the body.

pub mod codes;
pub mod details;

use std::error::Error as _;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use kit_core::error::{FieldCode, ProblemCode, reason};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use utoipa::ToSchema;

use crate::openapi::enums;

/// An error response.
#[derive(Debug, Clone)]
pub struct Problem {
    pub code: ProblemCode,
    pub detail: String,
    pub fields: Vec<FieldProblem>,
    pub retry_after: Option<Duration>,
}

/// An invalid field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The path of the field, parameter or header, e.g. `operations[17].amount`.
    #[schema(example = "password")]
    pub field: String,
    /// The stable code of the error, listed in `docs/ERRORS.md`.
    // As sent, because a newer service may have a code that is not in the table.
    #[schema(value_type = enums::FieldCode, example = "PASSWORD_TOO_SHORT")]
    pub code: String,
    /// An explanation of the error and the next step, in English.
    #[schema(example = "The password must have at least 12 characters. Use a longer one.")]
    pub detail: String,
}

impl Problem {
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), fields: Vec::new(), retry_after: None }
    }

    #[must_use]
    pub fn field(mut self, field: impl Into<String>, code: FieldCode, detail: impl Into<String>) -> Self {
        let (field, code, detail) = (field.into(), code.as_str().to_owned(), detail.into());
        self.fields.push(FieldProblem { field, code, detail });
        self
    }

    /// Creates the problem of an invalid query parameter.
    pub fn query(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::from(ProblemCode::QueryInvalid).field(name, FieldCode::ParameterInvalid, detail)
    }

    pub fn internal() -> Self {
        ProblemCode::Internal.into()
    }
}

/// Creates a problem with the text of its code.
impl From<ProblemCode> for Problem {
    fn from(code: ProblemCode) -> Self {
        Self::new(code, code.text())
    }
}

/// Maps the status of a service to a problem.
impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let reason = reason(&status);
        let code = match (&reason, status.code()) {
            (Some(reason), _) => reason.parse().ok().filter(|code: &ProblemCode| !code.is_grpc_only()),
            (None, Code::DeadlineExceeded) => Some(ProblemCode::Timeout),
            (None, Code::Unavailable) => Some(ProblemCode::Unavailable),
            // The connection was lost while the response was read.
            (None, Code::Unknown) if status.source().is_some() => Some(ProblemCode::Unavailable),
            (None, _) => None,
        };
        let Some(code) = code else {
            tracing::error!(code = ?status.code(), reason, message = status.message(), "unexpected status");
            return Self::internal();
        };
        let has_own_text = code == ProblemCode::Timeout || status.code() == Code::Unknown;
        let detail = if has_own_text { code.text() } else { status.message() };
        let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
        let fields = violations.into_iter().map(|violation| FieldProblem {
            field: violation.field,
            code: violation.reason,
            detail: violation.description,
        });
        Self {
            code,
            detail: detail.to_owned(),
            fields: fields.collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

/// Sets only the status; the outermost layer writes the body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;
    use kit_core::error::{FieldCode, FieldViolation, ProblemCode, RpcError};
    use tonic::Status;

    use super::{Problem, codes};

    #[test]
    fn a_status_maps_by_reason_and_keeps_its_fields() {
        let violations = vec![FieldViolation::from_code("email", FieldCode::EmailInvalid)];
        let problem = Problem::from(Status::from(RpcError::invalid(violations)));
        assert_eq!(problem.code, ProblemCode::ValidationFailed);
        assert_eq!(
            (problem.fields[0].field.as_str(), problem.fields[0].code.as_str()),
            ("email", "EMAIL_INVALID")
        );
        let rejection = RpcError::from(ProblemCode::TooManyAttempts);
        let problem = Problem::from(Status::from(rejection.retry_after(Duration::from_secs(7))));
        assert_eq!(problem.retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn unexpected_statuses_reveal_nothing() {
        let internal = RpcError::new(ProblemCode::CredentialInvalid, "secret detail").into();
        for status in [Status::unknown("secret detail"), Status::internal("secret detail"), internal] {
            let problem = Problem::from(status);
            assert_eq!(problem.code, ProblemCode::Internal);
            assert!(!problem.detail.contains("secret"));
        }
        assert_eq!(Problem::from(Status::deadline_exceeded("x")).code, ProblemCode::Timeout);
        assert_eq!(Problem::from(Status::unavailable("x")).code, ProblemCode::Unavailable);
    }

    #[test]
    fn a_connection_lost_in_a_response_is_an_unavailable_service() {
        let lost = Status::from_error(std::io::Error::other("secret detail").into());
        let problem = Problem::from(lost);
        assert_eq!(
            (problem.code, problem.detail.as_str()),
            (ProblemCode::Unavailable, ProblemCode::Unavailable.text())
        );
    }

    /// Every code that a service may send to REST clients maps to itself.
    #[test]
    fn every_code_maps_from_its_reason() {
        for code in codes::rest_codes() {
            let problem = Problem::from(Status::from(code));
            assert_eq!((problem.code, problem.detail.as_str()), (code, code.text()));
            assert!(code.status() >= StatusCode::BAD_REQUEST, "{code}");
        }
    }
}
