//! Errors on the wire: a gRPC status with `google.rpc` details.
//!
//! A service's own error enum becomes a [`RpcError`]; the gateway turns it into
//! problem+json. `reason` is the stable word, the message is for people.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The `domain` of every `ErrorInfo` of the system.
pub const DOMAIN: &str = "fintrac";

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field, as the caller wrote it: `operations[17].amount`.
    pub field: String,
    /// `SCREAMING_SNAKE`, catalogued.
    pub reason: &'static str,
    /// Short, says what to do.
    pub description: String,
}

impl FieldViolation {
    pub fn new(field: impl Into<String>, reason: &'static str, description: impl Into<String>) -> Self {
        Self { field: field.into(), reason, description: description.into() }
    }
}

/// A request that was understood and refused.
#[derive(Debug, Clone)]
pub struct RpcError {
    pub code: Code,
    pub reason: &'static str,
    pub message: String,
    pub violations: Vec<FieldViolation>,
    pub retry_after: Option<Duration>,
}

impl RpcError {
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), violations: Vec::new(), retry_after: None }
    }

    /// Fields that were refused, all of them at once.
    pub fn invalid(violations: Vec<FieldViolation>) -> Self {
        let message = "Some fields are not acceptable; see errors.";
        Self { violations, ..Self::new(Code::InvalidArgument, "VALIDATION_FAILED", message) }
    }

    /// Parts of a query that cannot be read.
    pub fn query(violations: Vec<FieldViolation>) -> Self {
        let message = "The query cannot be read; see errors.";
        Self { violations, ..Self::new(Code::InvalidArgument, "QUERY_INVALID", message) }
    }

    /// Something that is not there, or somebody else's.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, "NOT_FOUND", format!("There is no such {what}."))
    }

    /// Something that is no longer as the caller last saw it.
    pub fn version_mismatch() -> Self {
        let message = "It has changed since you read it; read it again and repeat your change.";
        Self::new(Code::Aborted, "VERSION_MISMATCH", message)
    }

    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }
}

/// More refused fields than this are not told: an answer must fit its headers.
const MAX_VIOLATIONS: usize = 30;

impl From<RpcError> for Status {
    fn from(error: RpcError) -> Self {
        let mut details = ErrorDetails::new();
        details.set_error_info(error.reason, DOMAIN, []);
        if !error.violations.is_empty() {
            let reported = error.violations.into_iter().take(MAX_VIOLATIONS);
            let violations = reported.map(|violation| tonic_types::FieldViolation {
                field: violation.field,
                description: violation.description,
                reason: violation.reason.to_owned(),
                localized_message: None,
            });
            details.set_bad_request(violations.collect::<Vec<_>>());
        }
        if let Some(delay) = error.retry_after {
            details.set_retry_info(Some(delay));
        }
        Self::with_error_details(error.code, error.message, details)
    }
}

/// The failure of something that should have worked: logged here, once, and
/// told to the caller without its internals.
pub fn internal(error: &dyn std::error::Error) -> Status {
    tracing::error!(error = %chain(error), "internal error");
    RpcError::new(Code::Internal, "INTERNAL", "Something went wrong on our side.").into()
}

/// A service that cannot answer now; the caller may try again.
pub fn unavailable(message: impl Into<String>) -> Status {
    RpcError::new(Code::Unavailable, "UNAVAILABLE", message).into()
}

/// A service that has too much to do. Callers inside of the system do not try again,
/// which would only add to it.
pub fn overloaded() -> Status {
    let message = "Too much at once; try again in a few seconds.";
    RpcError::new(Code::Unavailable, "OVERLOADED", message).retry_after(Duration::from_secs(1)).into()
}

/// The status of a database failure: too much at once is `OVERLOADED`, a lost connection
/// `UNAVAILABLE`, everything else a defect.
pub fn database(error: &sqlx::Error) -> Status {
    if crate::database::is_overloaded(error) {
        tracing::warn!(error = %chain(error), "database overloaded");
        return overloaded();
    }
    if crate::database::is_timeout(error) {
        tracing::warn!(error = %chain(error), "a statement took too long");
        // A retry would take as long again, so the status is not retryable.
        let text = "This takes too long; ask for less, such as fewer days.";
        return RpcError::new(Code::DeadlineExceeded, "TIMEOUT", text).into();
    }
    if crate::database::is_transient(error) {
        tracing::warn!(error = %chain(error), "database unavailable");
        return unavailable("The database cannot be reached; try again in a moment.");
    }
    internal(error)
}

/// An error with its causes on one line.
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

/// The `reason` of a status that one of our services sent.
pub fn reason(status: &Status) -> Option<String> {
    status.get_error_details().error_info().map(|info| info.reason.clone())
}

#[cfg(test)]
mod tests {
    use super::{database, reason};

    #[test]
    fn an_exhausted_pool_is_overloaded_and_a_lost_connection_unavailable() {
        let overloaded = database(&sqlx::Error::PoolTimedOut);
        assert_eq!(reason(&overloaded).as_deref(), Some("OVERLOADED"));
        let lost = database(&sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
        assert_eq!(reason(&lost).as_deref(), Some("UNAVAILABLE"));
    }
}
