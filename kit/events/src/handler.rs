use fintrac_proto::events::v1::Event;
use kit_core::error::{chain, is_unavailable};
use kit_db::is_transient;
use sqlx::PgConnection;
use tonic::Status;

/// The reason why an event was not applied.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// A dependency is unavailable; the event is retried for as long as necessary.
    #[error("{0}")]
    Transient(String),
    /// The event itself cannot be processed.
    #[error("{0}")]
    Permanent(String),
}

impl From<sqlx::Error> for HandlerError {
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) { Self::Transient(chain(&error)) } else { Self::Permanent(chain(&error)) }
    }
}

impl From<Status> for HandlerError {
    fn from(status: Status) -> Self {
        let text = format!("{}: {}", status.code(), status.message());
        if is_unavailable(&status) { Self::Transient(text) } else { Self::Permanent(text) }
    }
}

/// Applies the events of another service.
/// It receives the events of a batch in order; if they fail, it receives each one alone.
pub trait Handler: Send + Sync + 'static {
    /// Data that [`Handler::prepare`] collects for [`Handler::apply`].
    type Preparation: Send;

    /// Calls other services while no transaction is open.
    fn prepare(
        &self,
        events: &[Event],
    ) -> impl Future<Output = Result<Self::Preparation, HandlerError>> + Send;

    /// Applies the events in the transaction that advances the cursor.
    fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        prepared: Self::Preparation,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send;

    /// Returns whether `event` must be applied, so that it never becomes a dead letter.
    fn is_mandatory(&self, _event: &Event) -> bool {
        false
    }

    /// Runs after the commit of these events' effects.
    fn on_commit(&self, _events: &[Event]) {}

    /// Handles an event that becomes a dead letter.
    /// It runs in the transaction that advances the cursor.
    fn on_dead_letter(
        &self,
        _connection: &mut PgConnection,
        _event: &Event,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send {
        async { Ok(()) }
    }
}

/// The handler of a service that needs only the erasures of a log.
#[derive(Debug)]
pub struct NoHandler;

impl Handler for NoHandler {
    type Preparation = ();

    async fn prepare(&self, _events: &[Event]) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn apply(
        &self,
        _connection: &mut PgConnection,
        _events: &[Event],
        (): (),
    ) -> Result<(), HandlerError> {
        Ok(())
    }
}
