use kit_service::use_case::WriteContext;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::domain::posting::{Command, Outcome};
use crate::error::Error;

/// The commands of one commit.
#[derive(Debug)]
pub enum CommandSet {
    One(Box<Command>),
    /// Commands of which all or none take effect.
    Atomic(Vec<Command>),
    /// Commands that succeed or fail independently.
    Partial(Vec<Command>),
}

impl From<Command> for CommandSet {
    fn from(command: Command) -> Self {
        Self::One(Box::new(command))
    }
}

impl CommandSet {
    /// Returns the commands: at least one, all of one household, each on another row.
    pub fn as_slice(&self) -> &[Command] {
        match self {
            Self::One(command) => std::slice::from_ref(command),
            Self::Atomic(commands) | Self::Partial(commands) => commands,
        }
    }
}

/// A request in a writer's queue, with the channel for its response.
#[derive(Debug)]
pub(super) struct Submission {
    pub commands: CommandSet,
    /// The author of the commands, and their idempotency key.
    pub ctx: WriteContext<Outcome>,
    pub deadline: Option<Instant>,
    pub response: oneshot::Sender<Result<Outcome, Error>>,
}
