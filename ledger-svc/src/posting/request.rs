use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::idempotency::{IdempotentResult, Key};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::domain::posting::{Command, Outcome};
use crate::error::Error;

/// Commands of one household, with their idempotency key and origin.
#[derive(Debug)]
pub struct Request {
    pub commands: CommandSet,
    /// The idempotency key: a repeated key gets the first response.
    pub key: Option<Key>,
    pub origin: RequestOrigin,
    /// Encodes the response that is stored for the key.
    pub encode: fn(&Outcome) -> Vec<u8>,
}

/// The commands of one commit.
#[derive(Debug)]
pub enum CommandSet {
    One(Box<Command>),
    /// Commands of which all or none take effect.
    Atomic(Vec<Command>),
    /// Commands that succeed or fail independently.
    Partial(Vec<Command>),
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

/// The response to a caller: new, or replayed for its idempotency key.
pub type PostingResponse = IdempotentResult<Outcome>;

/// A request in a writer's queue, with the channel for its response.
#[derive(Debug)]
pub(super) struct Submission {
    pub request: Request,
    pub deadline: Option<Instant>,
    pub response: oneshot::Sender<Result<PostingResponse, Error>>,
}
