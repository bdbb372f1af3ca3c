//! What notify-svc rejects, and how it looks on the wire.

use fintrac_kit::error::{self, FieldViolation, RpcError};
use fintrac_kit::events::HandlerError;
use fintrac_kit::pagination::PageError;
use tonic::Status;

use crate::render::TemplateError;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Parts of a query that cannot be read.
    #[error("the query cannot be read")]
    Query(Vec<FieldViolation>),
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("it has changed")]
    VersionMismatch,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Self {
        Self::Query(vec![error.into()])
    }
}

/// No later try would find words for it.
impl From<TemplateError> for HandlerError {
    fn from(error: TemplateError) -> Self {
        Self::Permanent(error.to_string())
    }
}

/// Why there is nothing to say yet, or ever.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// What there is to say could not be asked.
    #[error("{}: {}", .0.code(), .0.message())]
    Upstream(#[from] Status),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl From<RenderError> for HandlerError {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Upstream(status) => status.into(),
            RenderError::Template(error) => error.into(),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Query(violations) => RpcError::query(violations).into(),
            Error::NotFound(what) => RpcError::not_found(what).into(),
            Error::VersionMismatch => RpcError::version_mismatch().into(),
            Error::Database(error) => error::database(&error),
        }
    }
}
