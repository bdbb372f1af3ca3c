//! Errors of the gateway as problem+json (RFC 9457).
//!
//! A handler or extractor fails with a [`Problem`]; the outermost layer adds the language, the path
//! and the request id, and writes the body.

pub mod codes;
pub mod details;

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use fintrac_kit::error::DOMAIN;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// An error response.
#[derive(Debug, Clone)]
pub struct Problem {
    pub code: &'static str,
    pub detail: String,
    pub fields: Vec<FieldProblem>,
    pub retry_after: Option<Duration>,
}

/// An invalid field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    pub field: String,
    pub code: String,
    pub detail: String,
}

impl Problem {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), fields: Vec::new(), retry_after: None }
    }

    #[must_use]
    pub fn field(mut self, field: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        self.fields.push(FieldProblem { field: field.into(), code: code.to_owned(), detail: detail.into() });
        self
    }

    pub fn internal() -> Self {
        Self::new("INTERNAL", "Something went wrong on our side.")
    }
}

/// Maps the status of a service to a problem.
impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let reason =
            details.error_info().filter(|info| info.domain == DOMAIN).map(|info| info.reason.as_str());
        let entry = match (reason, status.code()) {
            (Some(reason), _) => codes::find(reason),
            (None, Code::DeadlineExceeded) => codes::find("TIMEOUT"),
            (None, Code::Unavailable) => codes::find("UNAVAILABLE"),
            (None, _) => None,
        };
        let Some(entry) = entry else {
            tracing::error!(code = ?status.code(), reason, message = status.message(), "unexpected status");
            return Self::internal();
        };
        let detail = match status.code() {
            Code::DeadlineExceeded => Cow::Borrowed("The request timed out. Try again."),
            _ => Cow::Owned(status.message().to_owned()),
        };
        let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
        let fields = violations.into_iter().map(|violation| FieldProblem {
            field: violation.field,
            code: violation.reason,
            detail: violation.description,
        });
        Self {
            code: entry.code,
            detail: detail.into_owned(),
            fields: fields.collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

/// Sets only the status; the outermost layer writes the body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = codes::status(self.code);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fintrac_kit::error::{FieldViolation, RpcError};
    use tonic::{Code, Status};

    use super::{Problem, codes};

    #[test]
    fn a_status_maps_by_reason_and_keeps_its_fields() {
        let violations = vec![FieldViolation::new("email", "EMAIL_INVALID", "Use another.")];
        let problem = Problem::from(Status::from(RpcError::invalid(violations)));
        assert_eq!((problem.code, codes::status(problem.code).as_u16()), ("VALIDATION_FAILED", 422));
        assert_eq!(
            (problem.fields[0].field.as_str(), problem.fields[0].code.as_str()),
            ("email", "EMAIL_INVALID")
        );
        let rejection = RpcError::new(Code::ResourceExhausted, "TOO_MANY_ATTEMPTS", "Wait.");
        let problem = Problem::from(Status::from(rejection.retry_after(Duration::from_secs(7))));
        assert_eq!(problem.retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn unexpected_statuses_reveal_nothing() {
        for status in [Status::unknown("secret detail"), Status::internal("secret detail")] {
            let problem = Problem::from(status);
            assert_eq!(problem.code, "INTERNAL");
            assert!(!problem.detail.contains("secret"));
        }
        assert_eq!(Problem::from(Status::deadline_exceeded("x")).code, "TIMEOUT");
        assert_eq!(Problem::from(Status::unavailable("x")).code, "UNAVAILABLE");
    }

    /// Every reason that a service may send maps to its entry.
    #[test]
    fn every_entry_maps_from_its_reason() {
        for entry in codes::PROBLEM_CODES {
            let status = Status::from(RpcError::new(Code::Aborted, entry.code, "Detail."));
            let problem = Problem::from(status);
            assert_eq!((problem.code, problem.detail.as_str()), (entry.code, "Detail."));
            assert!((400..600).contains(&entry.status), "{}", entry.code);
        }
    }
}
