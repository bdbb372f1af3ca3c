//! The errors of notify-svc and their gRPC statuses.

use fintrac_kit::error::{self, FieldViolation, ProblemCode, RpcError};
use fintrac_kit::events::HandlerError;
use fintrac_kit::pagination::PageError;
use tonic::Status;

use crate::render::TemplateError;

/// The reason why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Invalid query parameters.
    #[error("the query is invalid")]
    Query(Vec<FieldViolation>),
    #[error("{0} not found")]
    NotFound(&'static str),
    /// A rejection that its code describes.
    #[error(transparent)]
    Problem(#[from] ProblemCode),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Self {
        Self::Query(vec![error.into()])
    }
}

/// A missing text or an unreadable value is permanent: a retry fails as well.
impl From<TemplateError> for HandlerError {
    fn from(error: TemplateError) -> Self {
        Self::Permanent(error.to_string())
    }
}

/// The reason why a text could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Another service did not return the data.
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
            Error::Problem(code) => code.into(),
            Error::Database(error) => error::database(&error),
        }
    }
}
