//! Errors on the wire: a gRPC status with `google.rpc` details.
//!
//! A service converts its own error enum to an [`RpcError`]; the gateway converts the status to
//! problem+json. The `reason` of the details is the stable error code, the message is for people.

mod codes;

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

pub use codes::{FieldCode, ProblemCode};

/// The `domain` of every `ErrorInfo` of the system.
pub const DOMAIN: &str = "fintrac";

/// A rejected field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field as the caller wrote it, such as `operations[17].amount`.
    pub field: String,
    /// Stable error code.
    pub code: FieldCode,
    /// Short instruction for the caller.
    pub description: String,
}

impl FieldViolation {
    /// Creates a violation.
    pub fn new(field: impl Into<String>, code: FieldCode, description: impl Into<String>) -> Self {
        Self { field: field.into(), code, description: description.into() }
    }

    /// Creates a violation with the text of its code.
    pub fn from_code(field: impl Into<String>, code: FieldCode) -> Self {
        Self::new(field, code, code.text())
    }

    /// Creates the violation of an invalid query parameter.
    pub fn parameter(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(name, FieldCode::ParameterInvalid, description)
    }
}

/// An error response to an RPC.
#[derive(Debug, Clone)]
pub struct RpcError {
    /// Stable error code, which determines the gRPC status code.
    pub code: ProblemCode,
    /// Text for people.
    pub message: String,
    /// Rejected fields of the request.
    pub violations: Vec<FieldViolation>,
    /// Time after which the caller may retry.
    pub retry_after: Option<Duration>,
}

impl RpcError {
    /// Creates an error without violations and without a retry time.
    pub fn new(code: ProblemCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), violations: Vec::new(), retry_after: None }
    }

    /// Creates the error for rejected fields; it contains all of them.
    pub fn invalid(violations: Vec<FieldViolation>) -> Self {
        Self { violations, ..ProblemCode::ValidationFailed.into() }
    }

    /// Creates the error for query parameters that cannot be parsed.
    pub fn query(violations: Vec<FieldViolation>) -> Self {
        Self { violations, ..ProblemCode::QueryInvalid.into() }
    }

    /// Creates the error for a resource that is missing or owned by another user.
    pub fn not_found(what: &str) -> Self {
        Self::new(ProblemCode::NotFound, format!("There is no such {what}."))
    }

    /// Sets the time after which the caller may retry.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }
}

/// Creates an error with the text of its code.
impl From<ProblemCode> for RpcError {
    fn from(code: ProblemCode) -> Self {
        Self::new(code, code.text())
    }
}

impl From<ProblemCode> for Status {
    fn from(code: ProblemCode) -> Self {
        RpcError::from(code).into()
    }
}

/// The number of violations in a response, which must fit into headers.
const MAX_VIOLATIONS: usize = 30;

impl From<RpcError> for Status {
    fn from(error: RpcError) -> Self {
        let mut details = ErrorDetails::new();
        details.set_error_info(error.code.as_str(), DOMAIN, []);
        if !error.violations.is_empty() {
            let reported = error.violations.into_iter().take(MAX_VIOLATIONS);
            let violations = reported.map(|violation| tonic_types::FieldViolation {
                field: violation.field,
                description: violation.description,
                reason: violation.code.as_str().to_owned(),
                localized_message: None,
            });
            details.set_bad_request(violations.collect::<Vec<_>>());
        }
        if let Some(delay) = error.retry_after {
            details.set_retry_info(Some(delay));
        }
        Self::with_error_details(error.code.grpc_code(), error.message, details)
    }
}

/// Logs an unexpected failure and returns a status without its details.
pub fn internal(error: &dyn std::error::Error) -> Status {
    tracing::error!(error = %chain(error), "internal error");
    ProblemCode::Internal.into()
}

/// Returns the status of a service that is unavailable; the caller may retry.
pub fn unavailable(message: impl Into<String>) -> Status {
    RpcError::new(ProblemCode::Unavailable, message).into()
}

/// Returns the status of an overloaded service.
/// Callers within the system do not retry it, because retries would add to the load.
pub fn overloaded() -> Status {
    RpcError::from(ProblemCode::Overloaded).retry_after(Duration::from_secs(1)).into()
}

/// Returns whether a call failed only for now, so that it may be retried later.
pub fn is_unavailable(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Aborted
            | Code::ResourceExhausted
            | Code::Unauthenticated
            // An older replica of that service, which an upgrade will replace.
            | Code::Unimplemented
    )
}

/// Formats an error and its causes on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Returns the `reason` of a status that a FinTrac service sent.
pub fn reason(status: &Status) -> Option<String> {
    let details = status.get_error_details();
    details.error_info().filter(|info| info.domain == DOMAIN).map(|info| info.reason.clone())
}
