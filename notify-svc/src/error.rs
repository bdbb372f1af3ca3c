//! The errors of notify-svc.

use kit_events::HandlerError;
pub use kit_service::use_case::Error;
use tonic::Status;

use crate::render::TemplateError;

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
