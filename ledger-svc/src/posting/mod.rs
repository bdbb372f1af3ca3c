//! Group commit: a writer posts all queued commands in one database transaction.
//!
//! While a batch commits, the next one collects in the queue. Invariants: a
//! household always has the same writer, so the writers of a process never touch
//! the same rows; a caller gets a success only after the commit; a command that
//! the database rejects does not affect other commands. `domain::posting` decides
//! the effects of commands.

mod batch;
mod columns;
#[cfg(test)]
mod tests;
mod writer;

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::context;
use fintrac_kit::idempotency::{IdempotentResult, Key};
use fintrac_kit::module::{ServiceDependencies, ServiceModule};
use fintrac_kit::transport::affinity;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;
use writer::Writer;

use crate::domain::posting::{Command, Outcome};
use crate::error::Error;

/// The maximum number of requests that wait for one writer.
const QUEUE_CAPACITY: usize = 4096;

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
struct Submission {
    request: Request,
    deadline: Option<Instant>,
    response: oneshot::Sender<Result<PostingResponse, Error>>,
}

/// The queues of all writers.
#[derive(Debug)]
pub struct PostingQueue {
    writers: Vec<mpsc::Sender<Submission>>,
}

impl PostingQueue {
    /// Starts `writers` writers as background tasks of `module`.
    pub fn start(writers: usize, deps: &ServiceDependencies, module: &mut ServiceModule) -> Self {
        let writers = writers.max(1);
        let start = |number| {
            let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
            let writer = Writer::new(number, writers, deps, receiver);
            module.add_background_task(|shutdown| writer.run(shutdown));
            sender
        };
        Self { writers: (0..writers).map(start).collect() }
    }

    /// Submits a request to its household's writer; returns after the commit.
    pub async fn post(&self, request: Request) -> Result<PostingResponse, Error> {
        let (response, receiver) = oneshot::channel();
        let deadline = context::current().and_then(|context| context.deadline);
        let Some(command) = request.commands.as_slice().first() else {
            return Err(Error::Internal("a posting request must have a command".into()));
        };
        let writer = self.writer(command.household.id);
        writer.try_send(Submission { request, deadline, response }).map_err(|_| Error::Overloaded)?;
        receiver.await.unwrap_or(Err(Error::OutcomeUnknown))
    }

    fn writer(&self, household_id: Uuid) -> &mpsc::Sender<Submission> {
        // The same hash selects replicas: with as many replicas as writers, each writer is
        // busy in only one of them.
        let writers = u64::try_from(self.writers.len()).unwrap_or(1);
        let number = usize::try_from(affinity(household_id) % writers).unwrap_or_default();
        &self.writers[number]
    }
}
