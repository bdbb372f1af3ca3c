//! What notify-svc refuses, and how it looks on the wire.

use fintrac_kit::error::{self, Refusal, Violation};
use fintrac_kit::events::HandlerError;
use fintrac_kit::page::PageError;
use tonic::Status;

use crate::render::RenderError;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Parts of a query that cannot be read.
    #[error("the query cannot be read")]
    Query(Vec<Violation>),
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
impl From<RenderError> for HandlerError {
    fn from(error: RenderError) -> Self {
        Self::Poison(error.to_string())
    }
}

/// Why there is nothing to say yet, or ever.
#[derive(Debug, thiserror::Error)]
pub enum Unsaid {
    /// What there is to say could not be asked.
    #[error("{}: {}", .0.code(), .0.message())]
    Asking(#[from] Status),
    #[error(transparent)]
    Words(#[from] RenderError),
}

impl From<Unsaid> for HandlerError {
    fn from(unsaid: Unsaid) -> Self {
        match unsaid {
            Unsaid::Asking(status) => status.into(),
            Unsaid::Words(error) => error.into(),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Query(violations) => Refusal::query(violations).into(),
            Error::NotFound(what) => Refusal::not_found(what).into(),
            Error::VersionMismatch => Refusal::version_mismatch().into(),
            Error::Database(error) => error::database(&error),
        }
    }
}
